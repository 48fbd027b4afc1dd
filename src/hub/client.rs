//! Requests to the hub: with the token where it belongs, tried again where that may help, and
//! every refusal told for what it is.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::progress::Meter;
use super::{HubError, HubId, HubSettings};

/// Between two questions whether a transfer is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// A server that asks for a longer pause is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The hub, as the settings name it.
#[derive(Debug)]
pub struct Hub {
    settings: HubSettings,
    /// Follows redirects, to where the files really lie.
    files: Client,
    /// Follows none: the hub's own answer tells what a file is.
    facts: Client,
    runtime: Runtime,
}

/// What is asked for, as messages have it.
pub(super) struct Asked<'a> {
    pub(super) id: &'a HubId,
    /// A file of the model, or none for the model itself.
    pub(super) file: Option<&'a str>,
}

impl Asked<'_> {
    pub(super) fn what(&self) -> String {
        match self.file {
            Some(file) => format!("{}/{file}", self.id),
            None => self.id.to_string(),
        }
    }
}

impl Hub {
    /// Asks nothing of the network yet.
    ///
    /// # Errors
    /// A token that cannot be in a header, or a system without threads or certificates.
    pub fn new(settings: HubSettings) -> Result<Self, HubError> {
        let no = |why: String| HubError::NoClient { why };
        let mut headers = HeaderMap::new();
        if let Some(token) = &settings.token {
            let bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
            let mut bearer =
                bearer.map_err(|_| no("HF_TOKEN holds characters that no token has".to_owned()))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let client = |redirects| {
            Client::builder()
                .user_agent(concat!("lexiscope/", env!("CARGO_PKG_VERSION")))
                .default_headers(headers.clone())
                .connect_timeout(settings.pace.stall.min(Duration::from_secs(10)))
                .read_timeout(settings.pace.stall)
                .redirect(redirects)
                .build()
                .map_err(|error| no(deepest(&error)))
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("hub")
            .enable_all()
            .build()
            .map_err(|error| no(error.to_string()))?;
        Ok(Self {
            files: client(Policy::limited(10))?,
            facts: client(Policy::none())?,
            settings,
            runtime,
        })
    }

    /// As it was made.
    pub fn settings(&self) -> &HubSettings {
        &self.settings
    }
}

impl Hub {
    /// Runs a future to its end, unless the meter stops first.
    pub(super) fn run<T>(
        &self,
        meter: &Meter,
        future: impl Future<Output = Result<T, HubError>>,
    ) -> Result<T, HubError> {
        self.runtime.block_on(async {
            let mut future = pin!(future);
            loop {
                meter.token().check()?;
                if let Ok(result) = timeout(TICK, future.as_mut()).await {
                    return result;
                }
            }
        })
    }

    /// A route of the endpoint.
    pub(super) fn route<'s>(
        &self,
        segments: impl IntoIterator<Item = &'s str>,
    ) -> Result<Url, HubError> {
        let endpoint = &self.settings.endpoint;
        let odd = || HubError::Odd {
            what: "HF_ENDPOINT".to_owned(),
            expected: "an address like https://huggingface.co",
            got: endpoint.clone(),
        };
        let mut url = Url::parse(endpoint).map_err(|_| odd())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(odd());
        }
        url.path_segments_mut()
            .map_err(|()| odd())?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }

    /// Where a file of a revision is asked for.
    pub(super) fn file_route(&self, id: &HubId, commit: &str, file: &str) -> Result<Url, HubError> {
        let owner = id.owner.iter().map(String::as_str);
        let to_file = [id.name.as_str(), "resolve", commit];
        self.route(owner.chain(to_file).chain(file.split('/')))
    }

    /// GET, by the client that follows redirects.
    pub(super) fn get(&self, url: &Url) -> RequestBuilder {
        self.files.get(url.clone())
    }

    /// HEAD, by the client that follows none.
    pub(super) fn head(&self, url: &Url) -> RequestBuilder {
        self.facts.head(url.clone())
    }

    /// Sends a request until it is answered, and returns the answer if it is a good one: a
    /// success, or a redirect that the client does not follow.
    pub(super) async fn send(
        &self,
        asked: &Asked<'_>,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, HubError> {
        let pace = self.settings.pace;
        let (mut attempt, mut redirected) = (1, false);
        loop {
            let (client, request) = request().build_split();
            let request = request.map_err(|error| self.failure(asked, &error))?;
            let url = request.url().clone();
            let (error, pause) = match client.execute(request).await {
                Ok(response) => match self.refusal(asked, &response, attempt) {
                    None => return self.no_page(asked, response),
                    // The address that the hub gave may have run out on the way; it gives another.
                    Some((error @ HubError::Refused { .. }, _))
                        if !redirected && *response.url() != url =>
                    {
                        redirected = true;
                        (error, Duration::ZERO)
                    }
                    Some((error, None)) => return Err(error),
                    Some((error, Some(pause))) => (error, pause),
                },
                Err(error) => (self.failure(asked, &error), Duration::ZERO),
            };
            // A host that cannot be reached seldom can a moment later.
            let attempts = match error {
                HubError::Unreachable { .. } => pace.attempts.min(2),
                _ => pace.attempts,
            };
            if attempt >= attempts {
                return Err(error);
            }
            tracing::info!(attempt, %error, "asking the hub again");
            sleep(pause.max(pace.pause * 2u32.saturating_pow(attempt - 1))).await;
            attempt += 1;
        }
    }

    /// Why an answer is none, and, if it may help to ask again, what pause the server wants.
    fn refusal(
        &self,
        asked: &Asked<'_>,
        response: &Response,
        attempts: u32,
    ) -> Option<(HubError, Option<Duration>)> {
        let what = asked.what();
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let status = response.status();
        let code = header("x-error-code");
        let server = |what| HubError::Server {
            what,
            status: status.as_u16(),
            attempts,
        };
        Some(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let page = format!("{}/{}", self.settings.endpoint, asked.id.model());
                let status = status.as_u16();
                (HubError::Refused { what, status, page }, None)
            }
            StatusCode::NOT_FOUND => {
                let missing = match code {
                    Some("RevisionNotFound") => "revision",
                    Some("EntryNotFound") => "file",
                    _ if asked.file.is_some() => "file",
                    _ => "model",
                };
                (HubError::NotFound { what, missing }, None)
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = header(RETRY_AFTER.as_str()).and_then(|s| s.parse().ok());
                let pause = Duration::from_secs(seconds.unwrap_or(1));
                let advice = match self.settings.token {
                    Some(_) => "",
                    None => ", or set HF_TOKEN: accounts may ask more",
                };
                let again = (pause <= LONGEST_PAUSE).then_some(pause);
                (HubError::TooMany { what, advice }, again)
            }
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                (server(what), Some(Duration::ZERO))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return None,
            _ if status.is_client_error() => (server(what), None),
            _ => return None,
        })
    }

    /// An answer that is no web page: none of a model's files is one.
    fn no_page(&self, asked: &Asked<'_>, response: Response) -> Result<Response, HubError> {
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/html") && !response.status().is_redirection() {
            return Err(HubError::WebPage {
                what: asked.what(),
                host: self.settings.endpoint.clone(),
            });
        }
        Ok(response)
    }

    /// What broke off a request or an answer.
    pub(super) fn failure(&self, asked: &Asked<'_>, error: &reqwest::Error) -> HubError {
        let (what, why) = (asked.what(), deepest(error));
        if error.is_connect() {
            let host = self.settings.endpoint.clone();
            HubError::Unreachable { what, host, why }
        } else if error.is_timeout() {
            let seconds = self.settings.pace.stall.as_secs();
            HubError::Stalled { what, seconds }
        } else {
            HubError::Broken { what, why }
        }
    }
}

/// What an error says at its bottom: there is no address in it, which may hold a signature.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
