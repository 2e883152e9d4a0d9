//! What ARCHITECTURE.md says of crates and files, checked against `cargo metadata` and the tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn own(metadata: &Metadata) -> BTreeMap<&str, &Package> {
    metadata.workspace_packages().into_iter().map(|package| (package.name.as_str(), package)).collect()
}

/// Normal dependencies on crates of this workspace.
fn uses(package: &Package) -> BTreeSet<&str> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.as_str()).filter(|name| name.starts_with("sesame")).collect()
}

#[test]
fn each_crate_uses_only_the_crates_below_it() {
    let metadata = metadata();
    let rules: [(&str, &[&str]); 9] = [
        ("sesame-policy", &[]),
        ("sesame-diagnosis", &["sesame-policy"]),
        ("sesame-remediation", &["sesame-policy", "sesame-diagnosis"]),
        ("sesame-render", &["sesame-policy", "sesame-diagnosis", "sesame-remediation"]),
        ("sesame-responder", &["sesame-policy", "sesame-diagnosis", "sesame-remediation", "sesame-render"]),
        (
            "sesame-snapshot",
            &["sesame-policy", "sesame-diagnosis", "sesame-remediation", "sesame-render", "sesame-responder"],
        ),
        (
            "sesame-aws",
            &["sesame-policy", "sesame-diagnosis", "sesame-remediation", "sesame-render", "sesame-responder"],
        ),
        ("sesame-lambda", &["sesame-diagnosis", "sesame-remediation", "sesame-responder", "sesame-aws"]),
        ("sesame-testkit", &[]),
    ];
    let packages = own(&metadata);
    let mut checked = 0;
    for (name, allowed) in rules {
        let Some(package) = packages.get(name) else { continue };
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let more: Vec<&str> = uses(package).difference(&allowed).copied().collect();
        assert!(more.is_empty(), "{name} must not use {more:?}");
        checked += 1;
    }
    assert!(checked >= 6, "only {checked} crates were found: were they renamed?");
    for (name, package) in &packages {
        let functions = package.manifest_path.as_str().contains("/functions/");
        if functions {
            let others =
                uses(package).into_iter().filter(|used| packages[used].manifest_path.as_str().contains("/functions/"));
            assert_eq!(others.count(), 0, "{name} must not use another function");
        }
    }
}

#[test]
fn only_the_outer_crates_touch_the_aws_sdk() {
    let metadata = metadata();
    for (name, package) in own(&metadata) {
        let sdk: Vec<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.name.starts_with("aws-") && !dependency.optional)
            .map(|dependency| dependency.name.as_str())
            .collect();
        assert!(name == "sesame-aws" || sdk.is_empty(), "only shared/aws names the AWS SDK; {name} has {sdk:?}");
    }
}

#[test]
fn pure_crates_touch_neither_files_nor_clock_nor_network() {
    let pure = ["policy", "diagnosis", "remediation", "render"];
    let banned = [
        "std::fs",
        "std::env",
        "std::net::Tcp",
        "std::net::Udp",
        "std::process",
        "std::time::SystemTime",
        "Timestamp::now",
        "Zoned::now",
        "tokio::",
        "aws_sdk",
        "aws_config",
    ];
    let mut files = 0;
    for name in pure {
        for file in rust_files(&root().join("shared").join(name).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            files += 1;
            for word in banned {
                let found = text.lines().position(|line| line.contains(word) && !line.trim_start().starts_with("//"));
                assert!(found.is_none(), "{}:{}: a pure crate names {word}", file.display(), found.unwrap_or(0) + 1);
            }
        }
    }
    assert!(files > 20, "only {files} files were looked at");
    let metadata = metadata();
    let packages = own(&metadata);
    for name in pure {
        let package = packages[format!("sesame-{name}").as_str()];
        let outside: Vec<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| ["tokio", "reqwest", "hyper", "chrono"].contains(name) || name.starts_with("aws-"))
            .collect();
        assert!(outside.is_empty(), "sesame-{name} is pure and must not use {outside:?}");
    }
}

#[test]
fn licences_are_among_those_that_we_take() {
    let taken = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unlicense",
        "Unicode-3.0",
        "BSL-1.0",
        "0BSD",
        "CC0-1.0",
        "MIT-0",
        "OpenSSL",
        "CDLA-Permissive-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ];
    let fits = |expression: &str| {
        // `A OR B`: one of them must fit; `A AND B`: all must. `/` is the old form of OR.
        expression
            .replace('/', " OR ")
            .split(" OR ")
            .any(|choice| choice.split(" AND ").all(|licence| taken.contains(&licence.trim().trim_matches(['(', ')']))))
    };
    let metadata = metadata();
    assert!(metadata.packages.len() > 50);
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("none");
        // `ring`-like crates name a file in place of an expression; none is used so far.
        assert!(fits(licence), "{} {} has licence {licence}", package.name, package.version);
    }
}

/// Two versions of one crate cost build time and size. Each that is there is known, with who brings it.
#[test]
fn duplicate_versions_are_known() {
    let known: BTreeSet<String> = include_str!("../duplicate-versions.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in &metadata.packages {
        versions.entry(package.name.as_str()).or_default().insert(package.version.to_string());
    }
    let found: BTreeSet<String> =
        versions.into_iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| name.to_owned()).collect();
    let new: Vec<&String> = found.difference(&known).collect();
    assert!(
        new.is_empty(),
        "several versions of {new:?}: make them one, or list them with a reason in tests/workspace/duplicate-versions.txt"
    );
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(gone.is_empty(), "{gone:?} has one version now: take it off tests/workspace/duplicate-versions.txt");
}

#[test]
fn no_source_file_outgrows_its_reader() {
    let most = 700;
    let mut files = 0;
    for file in tracked().into_iter().filter(|file| file.ends_with(".rs")) {
        let lines = std::fs::read_to_string(root().join(&file)).unwrap().lines().count();
        files += 1;
        assert!(lines <= most, "{file} has {lines} lines, more than {most}: split it by concept");
    }
    assert!(files > 20);
}

#[test]
fn files_speak_of_the_project_alone() {
    // Put together here, so that this file does not hold what it looks for.
    let banned = [
        format!("..{}shared{}", '/', "/FACTS"),
        format!("{}work{}", '/', "/main"),
        format!("{}work{}", '/', "/wt"),
        ["crates", "io/api"].join("."),
        ["registry", "npmjs"].join("."),
        ["files", "pythonhosted"].join("."),
        ["static", "crates"].join("."),
    ];
    for file in tracked().into_iter().filter(|file| !file.ends_with("Cargo.lock") && !file.ends_with(".png")) {
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        for word in &banned {
            assert!(!text.contains(word.as_str()), "{file} names {word}");
        }
    }
}

fn tracked() -> Vec<String> {
    let output = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "git ls-files failed");
    let files: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(files.len() > 30);
    files.into_iter().filter(|file| root().join(file).exists()).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
