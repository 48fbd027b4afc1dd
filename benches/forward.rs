//! The forward pass on 100 texts, and, where a Python with torch and transformers is (`PYTHON`, else
//! `python3`), the same in PyTorch on as many threads, in turn: `cargo bench --bench forward` runs
//! a GPT-2 of 24 × 1024 and the bundled models; `-- MODEL…` folders or names of bundled models.
//! Of the GPT-2 also what measuring its states costs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/checkpoint_writer/mod.rs"]
mod checkpoint_writer;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use candle_core::Device;
use lexiscope::checkpoint::{Bundle, Checkpoint, Location};
use lexiscope::geometry::{Measuring, Plan, StateSizes, Subwords, TextPlan};
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answering, Reader};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Forward, HookPoint, LayerCache, with_numbers};

const TEXTS: usize = 100;
const TOKENS: usize = 40;
/// Of the text that is run alone.
const ALONE: usize = 20;
/// Fewer where they take longer than [`PATIENCE`], but three.
const RUNS: usize = 7;
const PATIENCE: Duration = Duration::from_secs(30);
/// PyTorch's threads look for work for as long after a run.
const REST: Duration = Duration::from_millis(300);
const POLISH: &str = include_str!("../assets/texts/polish.txt");

fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let named: Vec<&String> = named.iter().filter(|arg| !arg.starts_with("--")).collect();
    if named.is_empty() {
        let model = Model::opened("24 × 1024", &checkpoint_writer::medium());
        model.measured();
        model.compared("100 texts of 40 tokens", &model.even(TEXTS, TOKENS));
        for bundle in Bundle::all() {
            Model::bundled(bundle).with_texts();
        }
    }
    for name in named {
        match Bundle::named(name) {
            Some(bundle) => Model::bundled(bundle).with_texts(),
            None => {
                let model = Model::opened(name, Path::new(name));
                model.compared("100 texts of 40 tokens", &model.even(TEXTS, TOKENS));
                model.compared("one text of 20 tokens", &model.even(1, ALONE));
            }
        }
    }
}

struct Model {
    name: String,
    folder: PathBuf,
    location: Location,
    checkpoint: Checkpoint,
}

impl Model {
    fn opened(name: &str, folder: &Path) -> Self {
        let location = Location::Folder {
            name: name.into(),
            path: folder.to_owned(),
        };
        Self::at(name, folder.to_owned(), location)
    }

    fn bundled(bundle: &'static Bundle) -> Self {
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
        let folder = assets.join(bundle.name);
        Self::at(bundle.name, folder, Location::Bundled(bundle))
    }

    fn at(name: &str, folder: PathBuf, location: Location) -> Self {
        let checkpoint = Checkpoint::open(&location).expect("a checkpoint that opens");
        Self {
            name: name.to_owned(),
            folder,
            location,
            checkpoint,
        }
    }

    /// Texts of one length.
    fn even(&self, texts: usize, tokens: usize) -> Vec<Vec<u32>> {
        let vocab = self.checkpoint.spec().vocab;
        let ids = (0..texts * tokens).map(|i| (i * 7919 % vocab) as u32);
        let ids: Vec<u32> = ids.collect();
        ids.chunks(tokens).map(<[u32]>::to_vec).collect()
    }

    /// On the texts that come with the program.
    fn with_texts(&self) {
        let reader = Reader::open(&self.location, DeviceChoice::Cpu).expect("a model");
        let vocabulary = &reader.card().vocabulary;
        let ids = |text| vocabulary.encode_with_special(text).expect("ids");
        let texts: Vec<Vec<u32>> = POLISH.lines().take(TEXTS).map(ids).collect();
        let tokens: usize = texts.iter().map(Vec::len).sum();
        self.compared(&format!("100 Polish texts, {tokens} tokens"), &texts);
    }

    /// Beside PyTorch: with layers from the file, and with layers in memory, as PyTorch has them.
    fn compared(&self, what: &str, texts: &[Vec<u32>]) {
        let forward = Forward::new(&self.checkpoint, &Device::Cpu).expect("a known family");
        let kept = LayerCache::new(u64::MAX);
        let in_memory = forward.keeping(&kept);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let mut pytorch = PyTorch::start(&self.folder, &texts);
        let [mut file, mut memory, mut theirs] = [const { Vec::new() }; 3];
        seconds(&in_memory, &texts);
        let start = Instant::now();
        while file.len() < 3 || file.len() < RUNS && start.elapsed() < PATIENCE {
            file.push(seconds(&forward, &texts));
            memory.push(seconds(&in_memory, &texts));
            theirs.extend(pytorch.as_mut().and_then(PyTorch::seconds));
        }
        let runs = file.len();
        let [file, memory] = [median(file), median(memory)];
        println!("{}, {what}, medians of {runs} runs in turn", self.name);
        println!("  weights read from the file: {file:.4} s; in memory: {memory:.4} s");
        match pytorch {
            Some(pytorch) if theirs.len() == runs => {
                let theirs = median(theirs);
                println!("  PyTorch, {}: {theirs:.4} s", pytorch.way);
                println!(
                    "  ours takes {:.2} × as long from the file, {:.2} × from memory",
                    file / theirs,
                    memory / theirs
                );
            }
            _ => println!("  PyTorch: skipped, no python with torch and transformers"),
        }
    }

    /// What all measures of all states cost beside the pass.
    fn measured(&self) {
        let forward = Forward::new(&self.checkpoint, &Device::Cpu).expect("a GPT-2");
        let texts = self.even(TEXTS, TOKENS);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        // A token that stands once in every text, as "nie" does in Polish ones.
        let plans = (0..TEXTS).map(|i| {
            let at = i % TOKENS;
            TextPlan::new((0..TOKENS).collect(), std::iter::once(at..at + 1).collect())
        });
        let sizes = StateSizes {
            states: forward.states(),
            width: self.checkpoint.spec().d_model,
        };
        let plan = Plan::new(sizes, plans.collect(), true, Subwords::Mean);
        let mut measuring = Measuring::new(plan, 1);
        let mut measures = 0.0;
        let start = Instant::now();
        let points = [HookPoint::State];
        let done = forward.run(&texts, &points, CancelToken::never(), &mut |hooked| {
            let start = Instant::now();
            with_numbers(hooked.tensor, |numbers| {
                measuring.take(hooked.at, hooked.texts.clone(), hooked.rows, numbers);
            })?;
            measures += start.elapsed().as_secs_f64();
            Ok(None)
        });
        done.expect("states");
        let pass = start.elapsed().as_secs_f64() - measures;
        let start = Instant::now();
        std::hint::black_box(measuring.finish());
        measures += start.elapsed().as_secs_f64();
        println!(
            "{}, all measures of all states: {measures:.2} s, {:.1} % of the pass",
            self.name,
            100.0 * measures / pass
        );
    }
}

/// Seconds of a pass with all states.
fn seconds(forward: &Forward<'_>, texts: &[&[u32]]) -> f64 {
    std::thread::sleep(REST);
    let start = Instant::now();
    let mut look = |hooked: lexiscope::transformer::Hooked<'_>| {
        std::hint::black_box(hooked.tensor);
        Ok(None)
    };
    let points = [HookPoint::State];
    let done = forward.run(texts, &points, CancelToken::never(), &mut look);
    done.expect("states");
    start.elapsed().as_secs_f64()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_unstable_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// A process that runs the same texts.
struct PyTorch {
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// How it runs them.
    way: String,
}

impl PyTorch {
    fn start(folder: &Path, texts: &[&[u32]]) -> Option<Self> {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/forward.py");
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut process = Command::new(python)
            .arg(script)
            .arg(folder)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (mut to, from) = (process.stdin.take()?, process.stdout.take()?);
        writeln!(to, "{}", serde_json::to_string(texts).ok()?).ok()?;
        let mut started = Self {
            process,
            to: Some(to),
            from: BufReader::new(from),
            way: String::new(),
        };
        started.way = started.line()?;
        Some(started)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.from.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim().to_owned())
    }

    fn seconds(&mut self) -> Option<f64> {
        std::thread::sleep(REST);
        writeln!(self.to.as_mut()?, "again").ok()?;
        self.line()?.parse().ok()
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        // It ends where its input does.
        self.to = None;
        if let Err(error) = self.process.wait() {
            eprintln!("PyTorch: {error}");
        }
    }
}
