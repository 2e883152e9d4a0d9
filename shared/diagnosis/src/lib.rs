//! From a refused send to causes, hints and proven remedies.
