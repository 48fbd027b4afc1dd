use std::fs;
use std::path::Path;

use super::*;

const BLOB: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

/// A machine with only these variables beside `HOME`.
fn stores(home: &Path, variables: &[(&str, &str)]) -> ModelStores {
    let home = home.to_owned();
    let variables: Vec<(String, PathBuf)> = variables
        .iter()
        .map(|(name, folder)| ((*name).to_owned(), home.join(folder)))
        .collect();
    ModelStores::located(move |name| {
        let set = variables.iter().find(|(of, _)| of == name);
        let set = set.map(|(_, folder)| folder.clone());
        set.or((name == "HOME").then(|| home.clone()))
            .map(Into::into)
    })
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn manifest(kind: &str, blob: &str) -> String {
    format!(
        "{{\"schemaVersion\":2,\"layers\":[\
          {{\"mediaType\":\"application/vnd.ollama.image.license\",\"digest\":\"sha256:{OTHER}\",\"size\":1}},\
          {{\"mediaType\":\"application/vnd.ollama.image.{kind}\",\"digest\":\"sha256:{blob}\",\"size\":7}}]}}"
    )
}

/// What is listed beside the bundled models: names and sizes.
fn listed(stores: &ModelStores) -> Vec<(String, u64)> {
    let models = stores.list().models.into_iter();
    let models = models.filter(|model| model.place != "bundled");
    models.map(|model| (model.name, model.bytes)).collect()
}

fn path(stores: &ModelStores, name: &str) -> PathBuf {
    match stores.find(name).unwrap().unwrap() {
        Location::Folder { name: kept, path } => {
            assert_eq!(kept, name);
            path
        }
        other => panic!("{other:?}"),
    }
}

fn refusal(stores: &ModelStores, name: &str) -> String {
    stores.find(name).unwrap_err().to_string()
}

#[test]
fn ollamas_models_have_the_names_that_ollama_gives_them() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join(".ollama/models");
    let blob = root.join(format!("blobs/sha256-{BLOB}"));
    write(&blob, b"weights");
    let old = root.join("manifests/registry.ollama.ai/library");
    write(&old.join("llama3.2/1b"), manifest("model", BLOB));
    write(&old.join("llama3.2/latest"), manifest("model", BLOB));
    write(&old.join(".DS_Store"), "");
    let others = root.join("manifests");
    write(
        &others.join("hf.co/Owner/Model-GGUF/Q4_K_M"),
        manifest("model", BLOB),
    );
    write(
        &others.join("registry.ollama.ai/ala/polish/v2"),
        manifest("model", BLOB),
    );
    // The newer layout: a list of manifests, one of which lies in a blob of its own.
    let list = format!(
        "{{\"manifests\":[{{\"runner\":\"mlx\",\"layers\":[]}},\
          {{\"runner\":\"ollama\",\"digest\":\"sha256:{OTHER}\"}}]}}"
    );
    write(&root.join("manifests-v2/ollama.com/library/qwen3/4b"), list);
    write(
        &root.join(format!("blobs/sha256-{OTHER}")),
        manifest("model", BLOB),
    );

    let stores = stores(home.path(), &[]);
    let names = [
        "ollama:qwen3:4b",
        "ollama:hf.co/Owner/Model-GGUF:Q4_K_M",
        "ollama:ala/polish:v2",
        "ollama:llama3.2:1b",
        "ollama:llama3.2:latest",
    ];
    assert_eq!(listed(&stores), names.map(|name| (name.to_owned(), 7)));
    assert_eq!(stores.list().problems, [""; 0]);
    for name in names {
        assert_eq!(path(&stores, name), blob);
    }
    // `:latest` and `library/` are left out, letters are taken in either case.
    for name in [
        "ollama:llama3.2",
        "ollama:library/llama3.2:1b",
        "ollama:registry.ollama.ai/library/llama3.2:1b",
        "ollama:Llama3.2:1B",
    ] {
        assert_eq!(path(&stores, name), blob, "{name}");
    }
    let near = refusal(&stores, "ollama:llama3.2:3b");
    assert!(
        near.contains("Ollama keeps none of that name in "),
        "{near}"
    );
    assert!(near.contains("did you mean ollama:llama3.2:1b"), "{near}");
    for odd in [
        "ollama:",
        "ollama:../../etc:x",
        "ollama:a/b/c/d:e",
        "ollama:a\u{1b}:b",
    ] {
        let refused = refusal(&stores, odd);
        assert!(
            refused.contains("expected a name as Ollama has it"),
            "{refused}"
        );
        assert!(!refused.contains('\u{1b}'), "{refused}");
    }
}

#[test]
fn what_ollama_keeps_and_cannot_be_opened_is_said() {
    let home = tempfile::tempdir().unwrap();
    let library = "store/manifests/registry.ollama.ai/library";
    let tag = |name: &str| home.path().join(library).join(name).join("latest");
    write(&tag("gone"), manifest("model", BLOB));
    write(&tag("cloud"), manifest("params", BLOB));
    write(&tag("mlx"), manifest("tensor", BLOB));
    write(&tag("damaged"), "{\"layers\": 7}");
    write(&tag("outside"), manifest("model", "../../../../etc/passwd"));
    write(&tag("endless"), vec![b' '; 5 << 20]);
    let stores = stores(home.path(), &[("OLLAMA_MODELS", "store")]);
    assert_eq!(listed(&stores), []);
    let problems = stores.list().problems;
    for (name, expected) in [
        (
            "gone",
            "which is not there: get it again with `ollama pull gone:latest`",
        ),
        ("cloud", "names no weights"),
        ("mlx", "tensor by tensor"),
        ("damaged", "expected a manifest of Ollama"),
        ("outside", "expected sha256: and 64 digits"),
        ("endless", "expected at most"),
    ] {
        let refused = refusal(&stores, &format!("ollama:{name}"));
        assert!(refused.contains(expected), "{refused}");
        let said = format!("ollama:{name}:latest: ");
        let mut said = problems.iter().filter(|problem| problem.starts_with(&said));
        assert!(
            said.next()
                .is_some_and(|problem| problem.contains(expected)),
            "{problems:?}"
        );
    }
    // A folder that the environment names should be there; a usual one need not.
    let nowhere = self::stores(home.path(), &[("OLLAMA_MODELS", "nowhere")]);
    let problems = nowhere.list().problems;
    assert!(
        problems.len() == 1 && problems[0].contains("nowhere: cannot be read"),
        "{problems:?}"
    );
    assert_eq!(self::stores(home.path(), &[]).list().problems, [""; 0]);
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_read_is_said_to_be_so() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".lmstudio/models");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&folder).is_ok() {
        // Nothing is forbidden to the superuser.
        return;
    }
    let problems = stores(home.path(), &[]).list().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("cannot be read: Permission denied"),
        "{problems:?}"
    );
}

#[test]
fn folders_of_lm_studio_and_llama_cpp_are_looked_through() {
    let home = tempfile::tempdir().unwrap();
    let lm_studio = home.path().join(".lmstudio/models/publisher/Model-GGUF");
    write(&lm_studio.join("model-Q4_K_M.gguf"), [0; 5]);
    write(&lm_studio.join("mmproj-model-f16.gguf"), [0; 9]);
    for (part, bytes) in [(1, 3), (2, 4)] {
        let part = format!("big-Q8_0-0000{part}-of-00002.gguf");
        write(&lm_studio.join(part), vec![0; bytes]);
    }
    let mlx = home
        .path()
        .join(".cache/lm-studio/models/mlx-community/small");
    write(&mlx.join("config.json"), "{}");
    write(&mlx.join("model.safetensors"), [0; 6]);
    write(&home.path().join("llama/some.gguf"), [0; 8]);
    write(&home.path().join("llama/a\u{202e}b.gguf"), [0; 8]);
    let stores = stores(home.path(), &[("LLAMA_CACHE", "llama")]);
    let names = [
        (
            "lmstudio:publisher/Model-GGUF/big-Q8_0-00001-of-00002.gguf",
            7,
        ),
        ("lmstudio:publisher/Model-GGUF/model-Q4_K_M.gguf", 5),
        ("lmstudio:mlx-community/small", 6),
        ("llama.cpp:some.gguf", 8),
    ];
    assert_eq!(
        listed(&stores),
        names.map(|(name, bytes)| (name.to_owned(), bytes))
    );
    let problems = stores.list().problems;
    assert!(
        problems.len() == 1 && problems[0].contains("cannot be shown"),
        "{problems:?}"
    );
    assert!(!problems[0].contains('\u{202e}'), "{problems:?}");
    assert_eq!(path(&stores, names[2].0), mlx);
    assert_eq!(
        path(&stores, names[3].0),
        home.path().join("llama/some.gguf")
    );
    let refused = refusal(&stores, "lmstudio:../../x");
    assert!(
        refused.contains("LM Studio keeps none of that name in"),
        "{refused}"
    );
}

/// An adapter in the hub's cache, of a base that is there or is not.
fn adapter_of(home: &Path, base: &str) {
    let model = home.join(".cache/huggingface/hub/models--ala--kot-lora");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let snapshot = model.join("snapshots").join(commit);
    write(&model.join("refs/main"), commit);
    let config = format!(r#"{{"peft_type": "LORA", "base_model_name_or_path": "{base}"}}"#);
    write(&snapshot.join("adapter_config.json"), config);
    write(&snapshot.join("adapter_model.safetensors"), [0; 7]);
}

#[test]
fn adapters_are_listed_with_the_base_that_they_name_and_say_if_it_is_missing() {
    let home = tempfile::tempdir().unwrap();
    adapter_of(home.path(), "ala/kot");
    let stores = stores(home.path(), &[]);
    assert_eq!(listed(&stores), [("ala/kot-lora".to_owned(), 7)]);
    let listing = stores.list();
    let base = listing.models.last().and_then(|model| model.base.clone());
    assert_eq!(base.unwrap().name.as_deref(), Some("ala/kot"));
    let summaries = listing.summaries();
    let problem = summaries.last().and_then(|of| of.problem.clone()).unwrap();
    assert!(
        problem.contains("is of ala/kot, which is not here"),
        "{problem}"
    );
    // Of one that is here, the family is said.
    adapter_of(home.path(), "gpt2-pl");
    let listing = stores.list();
    let last = listing.models.last().unwrap();
    assert!(matches!(last.location, Location::Adapted(_)), "{last:?}");
    let summaries = listing.summaries();
    let summary = summaries.last().unwrap();
    assert_eq!((summary.family, &summary.problem), (Some("GPT-2"), &None));
}
