//! What no client should send: each is a clear error, closes the connection only where SPEC says
//! so, and harms nobody else.

mod bytes;
mod crowds;
mod rights;
mod strangers;
mod values;
