//! `sesame`: why was this send refused, and what is the smallest safe fix.

fn main() {}
