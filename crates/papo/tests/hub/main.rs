//! Fetching models from the hub, against small servers on this machine that speak its protocol: `server.rs` is HTTP, `hub.rs` a hub
//! with a store on another port, and faults on demand.

mod fetching;
mod hub;
mod inventory;
mod refusals;
mod repairing;
mod server;
mod trouble;
