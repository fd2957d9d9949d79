//! Proof that nothing is missing: of a followed session's events, and of the live list's deltas.

use vigie_protocol::event::Offset;

/// How often in a row what is missing is asked for before the connection is given up.
const REPAIRS_MAX: u32 = 5;

/// What to do with something that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the next one.
    Accept,
    /// It is known, or will come again.
    Ignore,
    /// Something before it is missing: ask again.
    Gap,
    /// Asking again has not helped.
    Hopeless,
}

/// A session that the client follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follow {
    /// The last offset that was accepted.
    pub(crate) last: Offset,
    /// What is missing has been asked for.
    repairing: bool,
    /// How often in a row.
    repairs: u32,
    /// What was told of the session before is void.
    renewed: bool,
}

impl Follow {
    pub(crate) const fn after(last: Offset) -> Self {
        Self { last, repairing: false, repairs: 0, renewed: false }
    }

    /// The log is another one, and comes from its first event.
    pub(crate) const fn renewed() -> Self {
        Self { renewed: true, ..Self::after(0) }
    }

    /// Judges an event; if it is accepted, it is the last one.
    pub(crate) fn judge(&mut self, prev: Offset, offset: Offset) -> Verdict {
        if offset <= self.last {
            Verdict::Ignore
        } else if prev <= self.last {
            self.last = offset;
            self.repairs = 0;
            Verdict::Accept
        } else if self.repairing {
            Verdict::Ignore
        } else if self.repairs == REPAIRS_MAX {
            Verdict::Hopeless
        } else {
            self.repairing = true;
            self.repairs += 1;
            Verdict::Gap
        }
    }

    /// What was asked for comes from here on. Whether it is the first of a log that is another one.
    pub(crate) const fn asked(&mut self) -> bool {
        self.repairing = false;
        std::mem::replace(&mut self.renewed, false)
    }
}

/// The revision of the live list that the client has, if it has one.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Revision(Option<u64>);

impl Revision {
    /// A snapshot has arrived.
    pub(crate) const fn snapshot(&mut self, revision: u64) {
        self.0 = Some(revision);
    }

    /// The next that counts is a snapshot.
    pub(crate) const fn forget(&mut self) {
        self.0 = None;
    }

    /// Judges a delta; after a gap all are ignored until the next snapshot.
    pub(crate) fn judge(&mut self, revision: u64) -> Verdict {
        match self.0 {
            Some(last) if revision == last + 1 => {
                self.0 = Some(revision);
                Verdict::Accept
            }
            Some(last) if revision > last => {
                self.0 = None;
                Verdict::Gap
            }
            _ => Verdict::Ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Accept, Gap, Hopeless, Ignore};
    use super::*;

    #[test]
    fn events_are_accepted_once_in_order_and_a_gap_is_asked_for_once() {
        let mut follow = Follow::after(3);
        // Offsets that this role does not see leave no gap.
        for (prev, offset, verdict) in [
            (3, 4, Accept),
            (3, 4, Ignore),
            (2, 3, Ignore),
            (4, 7, Accept),
            (9, 10, Gap),
            (10, 11, Ignore),
            (7, 8, Accept),
            (8, 9, Accept),
            (9, 10, Accept),
        ] {
            assert_eq!(follow.judge(prev, offset), verdict, "{prev} {offset}");
        }
        follow.asked();
        assert_eq!(follow.judge(12, 13), Gap);
    }

    #[test]
    fn a_gap_that_asking_does_not_close_is_given_up() {
        let mut follow = Follow::after(3);
        for _ in 0..REPAIRS_MAX {
            assert_eq!(follow.judge(5, 6), Gap);
            follow.asked();
        }
        assert_eq!(follow.judge(5, 6), Hopeless);
        assert_eq!(follow.judge(3, 4), Accept);
        assert_eq!(follow.judge(5, 6), Gap);
    }

    #[test]
    fn deltas_count_from_the_snapshot_and_stop_at_a_gap() {
        let mut revision = Revision::default();
        assert_eq!(revision.judge(1), Ignore);
        revision.snapshot(5);
        assert_eq!(revision.judge(5), Ignore);
        assert_eq!(revision.judge(6), Accept);
        assert_eq!(revision.judge(8), Gap);
        assert_eq!(revision.judge(9), Ignore);
        revision.snapshot(9);
        assert_eq!(revision.judge(10), Accept);
    }
}
