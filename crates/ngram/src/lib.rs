//! n-gram language models with modified Kneser–Ney smoothing.

#![forbid(unsafe_code)]
