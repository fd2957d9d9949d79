use proptest::prelude::*;
use vigie_protocol::event::{Author, EventBody};

use super::*;
use crate::cluster::Attendant;

fn session_bytes() -> [u8; 16] {
    *b"sixteen bytes of"
}

fn session() -> SessionId {
    SessionId::from(Uuid::from_bytes(session_bytes()))
}

fn event(offset: u64) -> Event {
    Event { offset, time: 7, author: Author::System {}, body: EventBody::VisitorLeft {} }
}

const MARK: u64 = 77;

/// As the log's script writes it.
fn events_message(after: u64, events: &[Event]) -> Vec<u8> {
    let mut bytes = vec![EVENTS];
    bytes.extend(session_bytes());
    bytes.extend(after.to_be_bytes());
    bytes.extend(MARK.to_be_bytes());
    for event in events {
        let stored = event.to_stored();
        bytes.extend((stored.len() as u32).to_be_bytes());
        bytes.extend(stored);
    }
    bytes
}

#[test]
fn events_are_read_as_the_log_writes_them() {
    let events = vec![event(5), event(6)];
    let read = read(events_message(4, &events));
    let after = LogEnd { offset: 4, mark: MARK };
    assert_eq!(read, Ok(Read::Heard(Heard::Events { session: session(), after, events })));
}

#[test]
fn events_that_do_not_follow_one_another_are_not_believed() {
    for events in [vec![event(6)], vec![event(5), event(5)]] {
        assert_eq!(
            read(events_message(4, &events)),
            Err(Unreadable::Events(session(), EventsFault::Offsets))
        );
    }
}

#[test]
fn events_that_are_damaged_name_their_session() {
    let mut bytes = events_message(4, &[]);
    bytes.extend([0, 0, 0, 2, 0xc1, 0xc1]);
    assert!(
        matches!(read(bytes), Err(Unreadable::Events(of, EventsFault::NotStored(_))) if of == session())
    );
}

#[test]
fn attendance_comes_back_as_it_was_told() {
    let attendance = Attendance {
        session: session(),
        head: LogEnd { offset: 9, mark: MARK },
        nodes: vec![
            Attendant { node: NodeId(u64::MAX), since: 1, visitor: true },
            Attendant { node: NodeId(3), since: 4, visitor: false },
        ],
    };
    let mut bytes = vec![ATTENDANCE];
    bytes.extend(session_bytes());
    bytes.extend(attendance.encode());
    assert_eq!(read(bytes), Ok(Read::Heard(Heard::Attendance(attendance))));
}

#[test]
fn a_message_and_a_canary_come_back_as_they_were_sent() {
    let heard = Heard::Message { from: NodeId(8), bytes: Bytes::from_static(b"hello") };
    assert_eq!(read(message(NodeId(8), b"hello")), Ok(Read::Heard(heard)));
    let canary = Canary { subscription: 3, number: 4 };
    assert_eq!(read(canary.write()), Ok(Read::Canary(canary)));
}

#[test]
fn what_a_later_version_sends_is_told_from_what_nobody_sends() {
    assert_eq!(read(b"Zsomething".to_vec()), Ok(Read::Unknown(b'Z')));
    assert_eq!(read(Vec::new()), Err(Unreadable::Malformed));
}

#[test]
fn a_message_that_is_cut_off_is_malformed() {
    let whole = events_message(4, &[event(5)]);
    for length in 0..whole.len() {
        assert_eq!(read(whole[..length].to_vec()), Err(Unreadable::Malformed), "at {length}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(kind in prop::sample::select(b"EAMCX".to_vec()), rest: Vec<u8>) {
        let mut bytes = vec![kind];
        bytes.extend(rest);
        let _ = read(bytes);
    }
}
