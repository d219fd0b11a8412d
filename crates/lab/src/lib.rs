//! The lineage of text-generating networks, trained on burn.

#![forbid(unsafe_code)]
