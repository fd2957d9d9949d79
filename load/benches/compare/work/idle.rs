//! Many people who say nothing: what letting one in costs, and what keeping them does.

use std::time::Instant;

use tokio::task::JoinSet;

use super::enter;
use crate::peer::Running;
use crate::tongue::Part;

/// How many are there already when counting begins: what a peer allocates once is no one's share.
const BEFORE: u32 = 100;

/// What came of it.
pub struct Idle {
    /// Resident memory of the peer for each connection, in bytes.
    pub resident: f64,
    /// Connections each second, handshake and joining included, driver and peer on the same cores.
    pub per_second: f64,
    /// Processor time of the peer for each of them, in microseconds.
    pub processor: f64,
}

/// Measures it.
pub async fn idle(peer: &Running, count: u32) -> Result<Idle, String> {
    let mut people = JoinSet::new();
    let mut stay = |seats: Vec<crate::seat::Seat>| {
        for mut seat in seats {
            // Only who is cut off stops listening.
            people.spawn(async move { while seat.listen().await.is_ok() {} });
        }
    };
    stay(enter(peer, (0..BEFORE).map(Part::Idle)).await?);
    peer.quiet().await?;
    let (before, resident) = (peer.processor()?, peer.usage()?.resident);
    let start = Instant::now();
    let seats = enter(peer, (BEFORE..BEFORE + count).map(Part::Idle)).await?;
    let took = start.elapsed();
    let let_in = peer.processor()?.saturating_sub(before);
    stay(seats);
    peer.quiet().await?;
    let resident = peer.usage()?.resident as f64 - resident as f64;
    if people.try_join_next().is_some() {
        return Err("somebody idle was cut off".to_owned());
    }
    let count = f64::from(count);
    Ok(Idle {
        resident: resident / count,
        per_second: count / took.as_secs_f64(),
        processor: 1e6 * let_in.as_secs_f64() / count,
    })
}
