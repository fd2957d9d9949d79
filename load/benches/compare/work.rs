//! The work that all peers are given, each kind measured by itself.

pub mod durable;
pub mod idle;
pub mod relay;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::peer::Running;
use crate::seat::Seat;
use crate::tongue::Part;

/// How many people are on their way in at once.
const ENTERING_MAX: usize = 64;

/// Lets all of them in, in no order.
async fn enter(peer: &Running, parts: impl IntoIterator<Item = Part>) -> Result<Vec<Seat>, String> {
    stream::iter(parts)
        .map(|part| Seat::take(peer.address(), peer.tongue(&part)))
        .buffered(ENTERING_MAX)
        .try_collect()
        .await
}
