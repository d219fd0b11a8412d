//! `pytorch_model.bin` as `torch.save` writes it, and as someone who means harm does.
//!
//! The files are put together byte by byte in `forge.rs`; files made by PyTorch itself are among the goldens.

mod forge;
mod good;
mod hostile;
