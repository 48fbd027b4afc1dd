//! A hub of our own on loopback: the routes that models are fetched by, and every way in which
//! they are known to go wrong.

#![allow(dead_code)] // Each test that includes this uses its own part of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the answer to a request goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status and header, with a page.
    Status(u16, &'static str),
    /// A page with status 200.
    Page,
    /// The connection ends after so many bytes of the body.
    Cut(usize),
    /// Nothing more comes after so many bytes, but the connection stays.
    Stall(usize),
    /// So many bytes are promised and sent, and no more.
    Short(usize),
    /// The last byte is another one.
    Wrong,
    /// All of the file, whatever part was asked for.
    Whole,
    /// Spaces without an end.
    Endless,
    /// This text in the place of the list of files.
    Instead(String),
    /// Other bytes from this one on, as many.
    NoiseFrom(usize),
    /// Parts say that they are of a longer file.
    OtherSize,
    /// Some hundred kilobytes at a time, with pauses between.
    Slow,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    pub token: Option<String>,
    /// Bytes of body that went out.
    pub sent: usize,
}

struct Rule {
    path: String,
    fault: Fault,
    times: usize,
}

#[derive(Default)]
struct Inner {
    /// With the hash of each.
    files: BTreeMap<String, (Vec<u8>, String)>,
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<Request>>,
    /// Whether the list of files has sizes and hashes.
    blobs: bool,
    /// Where the content of large files is: at another host, if it is set.
    storage: Mutex<Option<String>>,
}

pub struct Server {
    inner: Arc<Inner>,
    pub address: String,
}

/// Larger files are kept apart, and the hub redirects to them.
const LARGE: usize = 100_000;

impl Server {
    /// A hub that has one model, whatever it is called.
    pub fn start(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self::with_list(files, true)
    }

    /// As [`Self::start`]; `blobs` says whether its list has sizes and hashes.
    pub fn with_list(files: impl IntoIterator<Item = (String, Vec<u8>)>, blobs: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            files: files.into_iter().map(hashed).collect(),
            blobs,
            ..Inner::default()
        });
        let serving = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = Arc::clone(&serving);
                thread::spawn(move || serve(&serving, stream.unwrap()));
            }
        });
        Self { inner, address }
    }

    /// Requests whose path holds `path` go wrong, so many times.
    pub fn fails(&self, path: &str, fault: Fault, times: usize) {
        self.inner.rules.lock().unwrap().push(Rule {
            path: path.to_owned(),
            fault,
            times,
        });
    }

    /// Large files are at another host.
    pub fn stores_at(&self, other: &Self) {
        *self.inner.storage.lock().unwrap() = Some(other.address.clone());
    }

    /// What has come so far.
    pub fn requests(&self) -> Vec<Request> {
        self.inner.requests.lock().unwrap().clone()
    }

    /// Forgets what has come so far.
    pub fn forget(&self) {
        self.inner.requests.lock().unwrap().clear();
    }

    /// Bytes of content that went out, of files whose path holds `path`.
    pub fn sent(&self, path: &str) -> usize {
        let requests = self.requests();
        let of_file = requests.iter().filter(|r| r.path.contains(path));
        of_file.map(|r| r.sent).sum()
    }
}

/// The hash by which the hub knows a file.
pub fn etag(content: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect();
    if content.len() > LARGE {
        hex(&Sha256::digest(content))
    } else {
        let head = format!("blob {}\0", content.len());
        hex(&Sha1::new()
            .chain_update(head)
            .chain_update(content)
            .finalize())
    }
}

fn hashed((name, content): (String, Vec<u8>)) -> (String, (Vec<u8>, String)) {
    let hash = etag(&content);
    (name, (content, hash))
}

fn serve(inner: &Inner, stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut request = Request {
        method,
        path,
        range: None,
        token: None,
        sent: 0,
    };
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        let (name, value) = line.split_once(':').unwrap();
        match name.to_lowercase().as_str() {
            "range" => request.range = Some(value.trim().to_owned()),
            "authorization" => request.token = Some(value.trim().to_owned()),
            _ => {}
        }
        line.clear();
    }
    let fault = {
        let mut rules = inner.rules.lock().unwrap();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.times > 0 && request.path.contains(&rule.path));
        rule.map(|rule| {
            rule.times -= 1;
            rule.fault.clone()
        })
    };
    let at = {
        let mut requests = inner.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let sent = answer(inner, stream, &request, fault);
    if let Some(request) = inner.requests.lock().unwrap().get_mut(at) {
        request.sent = sent;
    }
}

/// Answers, and says how many bytes of a body went out.
fn answer(inner: &Inner, mut to: TcpStream, request: &Request, fault: Option<Fault>) -> usize {
    let mut say = |status: &str, headers: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        let body = if request.method == "HEAD" { &[] } else { body };
        // Who asked may have gone.
        drop(
            to.write_all(head.as_bytes())
                .and_then(|()| to.write_all(body)),
        );
        body.len()
    };
    let page = b"<!DOCTYPE html><title>Sorry</title>".as_slice();
    match &fault {
        Some(Fault::Status(status, headers)) => {
            let headers = format!("Content-Type: text/html\r\n{headers}");
            return say(&format!("{status} Sorry"), &headers, page);
        }
        Some(Fault::Endless) => {
            let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
            let mut sent = 0;
            let mut going = to.write_all(head);
            while going.is_ok() {
                going = to.write_all(&[b' '; 1 << 16]);
                sent += 1 << 16;
            }
            return sent;
        }
        Some(Fault::Page) => return say("200 OK", "Content-Type: text/html\r\n", page),
        _ => {}
    }
    if request.path.starts_with("/api/models/") {
        let mut list = match &fault {
            Some(Fault::Instead(text)) => text.clone(),
            _ => list(inner).to_string(),
        };
        if let Some(Fault::Short(len)) = fault {
            list.truncate(len);
        }
        return say(
            "200 OK",
            "Content-Type: application/json\r\n",
            list.as_bytes(),
        );
    }
    let (place, name) = match request.path.split_once("/resolve/") {
        Some((_, rest)) => ("hub", rest.split_once('/').unwrap().1),
        None => ("storage", request.path.trim_start_matches("/storage/")),
    };
    let Some((content, hash)) = inner.files.get(name) else {
        return say("404 Not Found", "X-Error-Code: EntryNotFound\r\n", page);
    };
    let facts = format!("X-Repo-Commit: {COMMIT}\r\nAccept-Ranges: bytes\r\n");
    if place == "hub" && content.len() > LARGE {
        let host = inner.storage.lock().unwrap().clone().unwrap_or_default();
        let headers = format!(
            "{facts}Location: {host}/storage/{name}\r\nX-Linked-Size: {}\r\nX-Linked-Etag: \"{}\"\r\n",
            content.len(),
            hash
        );
        return say("302 Found", &headers, b"");
    }
    let headers = format!("{facts}ETag: \"{hash}\"\r\n");
    send(to, request, fault, content, &headers)
}

/// Sends a file or the part of it that was asked for.
fn send(
    mut to: TcpStream,
    request: &Request,
    fault: Option<Fault>,
    content: &[u8],
    headers: &str,
) -> usize {
    let mut content = Cow::Borrowed(content);
    if let Some(Fault::Wrong) = fault {
        *content.to_mut().last_mut().unwrap() ^= 1;
    }
    if let Some(Fault::NoiseFrom(start)) = fault {
        let mut random = fastrand::Rng::with_seed(7);
        random.fill(&mut content.to_mut()[start..]);
    }
    let size = content.len();
    let range = request
        .range
        .as_deref()
        .filter(|_| !matches!(fault, Some(Fault::Whole)));
    let range = range.map(|range| {
        let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
        let to = to.parse().map_or(size, |to: usize| (to + 1).min(size));
        from.parse::<usize>().unwrap()..to
    });
    let (status, part) = match range {
        Some(range) if range.start >= size => ("416 Range Not Satisfiable", 0..0),
        Some(range) => ("206 Partial Content", range),
        None => ("200 OK", 0..size),
    };
    let mut body = &content[part.clone()];
    if let Some(Fault::Short(len)) = fault {
        body = &body[..len.min(body.len())];
    }
    let mut head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}",
        body.len()
    );
    if status.starts_with("206") {
        let (first, last) = (part.start, part.end - 1);
        let size = match fault {
            Some(Fault::OtherSize) => size + 1,
            _ => size,
        };
        head += &format!("Content-Range: bytes {first}-{last}/{size}\r\n");
    }
    head += "\r\n";
    if request.method == "HEAD" {
        drop(to.write_all(head.as_bytes()));
        return 0;
    }
    let stop = match fault {
        Some(Fault::Cut(len) | Fault::Stall(len)) => len.min(body.len()),
        _ => body.len(),
    };
    let mut body = || {
        to.write_all(head.as_bytes())?;
        for piece in body[..stop].chunks(200_000) {
            to.write_all(piece)?;
            if let Some(Fault::Slow) = fault {
                thread::sleep(Duration::from_millis(100));
            }
        }
        to.flush()
    };
    let written = body();
    if let (Ok(()), Some(Fault::Stall(_))) = (written, fault) {
        // Until who asked gives up, and then some.
        to.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        drop(std::io::Read::read(&mut to, &mut [0]));
    }
    stop
}

/// The model API's description.
fn list(inner: &Inner) -> serde_json::Value {
    let files = inner.files.iter().map(|(name, (content, hash))| {
        let mut file = serde_json::json!({ "rfilename": name });
        if inner.blobs {
            file["size"] = content.len().into();
            file["blobId"] = "f".repeat(40).into();
            match content.len() > LARGE {
                true => {
                    file["lfs"] = serde_json::json!({ "sha256": hash, "size": content.len() });
                }
                false => file["blobId"] = hash.clone().into(),
            }
        }
        file
    });
    serde_json::json!({ "sha": COMMIT, "siblings": files.collect::<Vec<_>>() })
}
