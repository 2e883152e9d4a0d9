//! How many cases the property tests draw, and from which seed.

use proptest::test_runner::Config;

/// The configuration of a law: so many cases, or as many as `PROPTEST_CASES` asks for, and so many steps to a smaller case
/// as `PROPTEST_MAX_SHRINK_ITERS` allows. The seed is that of `PROPTEST_RNG_SEED`, which `.cargo/config.toml` sets for every
/// run and `make laws` sets anew.
pub fn config(cases: u32) -> Config {
    let default = Config::default();
    let asked = |name, asked, usual| if std::env::var_os(name).is_some() { asked } else { usual };
    Config {
        cases: asked("PROPTEST_CASES", default.cases, cases),
        max_shrink_iters: asked("PROPTEST_MAX_SHRINK_ITERS", default.max_shrink_iters, 3000),
        failure_persistence: None,
        ..default
    }
}

#[cfg(test)]
mod tests {
    use proptest::test_runner::RngSeed;

    #[test]
    fn a_run_by_cargo_has_a_fixed_seed() {
        assert!(matches!(super::config(1).rng_seed, RngSeed::Fixed(_)), "run the tests with cargo");
    }
}
