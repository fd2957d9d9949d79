//! The contract of `Log`: whatever keeps the log, these stories hold. A backend joins by binding a
//! [`Place`] at the end of this file.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use vigie::config;
use vigie::log::redis::RedisLog;
use vigie::log::sqlite::{SqliteLog, SqliteLogOptions};
use vigie::log::{AppendError, Log, LogError, READ_EVENTS_MAX, SessionRecord};
use vigie::redis::Redis;
use vigie_protocol::MESSAGE_BYTES_MAX;
use vigie_protocol::event::{
    BotFailure, ChatMessage, Choice, ChoiceAction, CloseCause, ControlCause, ControlChange, Device,
    Event, EventBody, Holder, Offset, Page, Rating, VisitorContext,
};
use vigie_protocol::id::{SessionId, SiteId};

use self::events::*;
use self::redis_server::groups::shared_cluster;

#[path = "log_contract/events.rs"]
mod events;
#[path = "support/redis.rs"]
mod redis_server;

/// Where a backend keeps one log, empty at first. Opened again, it is the same log.
trait Place {
    fn new() -> Self;
    fn open(&self) -> Arc<dyn Log>;
}

macro_rules! bind_log_contract {
    ($backend:ident, $place:ty) => {
        bind_log_contract! { $backend, $place:
            an_append_at_the_end_is_there_once_acknowledged
            what_was_acknowledged_is_there_after_reopening
            offsets_have_no_gap_however_many_events_an_append_has
            a_conflict_tells_exactly_what_was_missed_and_appends_nothing
            a_second_start_of_a_session_is_a_conflict
            a_conflict_tells_at_most_what_one_read_does
            racing_authors_that_decide_again_each_append_once_and_in_order
            racing_authors_of_many_sessions_do_not_disturb_each_other
            two_logs_opened_in_one_place_have_one_fence
            an_offset_beyond_the_end_is_refused
            malformed_appends_are_refused_and_disturb_nobody
            a_session_is_of_one_site
            an_unknown_event_is_carried_as_it_came
            every_part_of_an_event_is_kept
            a_read_has_a_limit_and_goes_on_from_where_it_ended
            a_session_that_never_was_is_empty
            what_is_known_of_a_session_tells_when_it_was_closed
            an_event_longer_than_a_message_is_refused_with_all_that_came_with_it
            a_visitors_sessions_come_latest_first
            stale_sessions_are_those_whose_last_event_is_old_and_that_are_open
            expired_sessions_are_those_that_were_closed_before_in_that_order
            a_removed_session_is_gone_with_its_events_and_from_its_visitors_list
            a_removed_session_stays_gone_after_reopening
            an_open_session_is_not_removed_and_stays_whole
            to_remove_again_or_what_never_was_is_fine
            a_session_is_removed_at_the_end_that_was_named_or_left_as_it_is
            a_removed_session_does_not_come_back_to_life
            a_visitors_next_session_after_all_were_removed_has_a_number_of_its_own
            of_racing_removals_and_appends_each_finds_all_of_a_session_or_nothing
            a_log_that_serves_is_healthy
        }
    };
    ($backend:ident, $place:ty: $($story:ident)*) => {
        mod $backend {
            use super::*;

            $(
                #[tokio::test]
                async fn $story() {
                    let place = <$place>::new();
                    super::$story(&place).await;
                }
            )*
        }
    };
}

async fn an_append_at_the_end_is_there_once_acknowledged(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    log.append(append(1, [said("hello")])).await.unwrap();
    let events = log.read(session(), 0, 10).await.unwrap();
    assert_eq!(events, [event(1, started(visitor(7), 1)), event(2, said("hello"))]);
}

async fn what_was_acknowledged_is_there_after_reopening(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    drop(log);
    let log = place.open();
    log.append(append(1, [said("back again")])).await.unwrap();
    drop(log);
    assert_eq!(all(&*place.open()).await.len(), 2);
}

async fn offsets_have_no_gap_however_many_events_an_append_has(place: &impl Place) {
    let log = place.open();
    log.append(append(0, [started(visitor(7), 1), said("a"), said("b")])).await.unwrap();
    log.append(append(3, [said("c")])).await.unwrap();
    log.append(append(4, [said("d"), said("e")])).await.unwrap();
    let events = all(&*log).await;
    assert_eq!(events.iter().map(|event| event.offset).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(texts(&events), ["a", "b", "c", "d", "e"]);
}

async fn a_conflict_tells_exactly_what_was_missed_and_appends_nothing(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    log.append(append(1, [said("first"), said("second")])).await.unwrap();

    let late = log.append(append(1, [said("late"), said("later"), said("last")])).await;

    let missing = vec![event(2, said("first")), event(3, said("second"))];
    assert_eq!(late, Err(AppendError::Conflict { missing }));
    assert_eq!(texts(&all(&*log).await), ["first", "second"]);
}

async fn a_second_start_of_a_session_is_a_conflict(place: &impl Place) {
    let log = place.open();
    let (first, second) = (log.append(start()), log.append(start()));
    assert_eq!(first.await, Ok(()));
    let missing = start().events;
    assert_eq!(second.await, Err(AppendError::Conflict { missing }));
}

async fn a_conflict_tells_at_most_what_one_read_does(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    let many = READ_EVENTS_MAX as usize + 5;
    log.append(append(1, vec![said("again"); many])).await.unwrap();
    match log.append(append(1, [said("late")])).await {
        Err(AppendError::Conflict { missing }) => {
            assert_eq!(missing.len(), READ_EVENTS_MAX as usize);
            assert_eq!(missing[0].offset, 2);
        }
        other => panic!("{other:?}"),
    }
}

async fn racing_authors_that_decide_again_each_append_once_and_in_order(place: &impl Place) {
    const AUTHORS: usize = 24;
    const MESSAGES: usize = 8;
    let log = place.open();
    log.append(start()).await.unwrap();

    let author = |author: usize| {
        let log = Arc::clone(&log);
        async move {
            let mut head = 1;
            for n in 0..MESSAGES {
                head = say(&*log, session(), head, &format!("{author}/{n}")).await;
            }
        }
    };
    join_all((0..AUTHORS).map(author)).await;

    let events = all(&*log).await;
    assert!(events.iter().map(|event| event.offset).eq(1..=(1 + AUTHORS * MESSAGES) as Offset));
    for author in 0..AUTHORS {
        let prefix = format!("{author}/");
        let own = texts(&events).into_iter().filter(|text| text.starts_with(&prefix));
        assert!(own.eq((0..MESSAGES).map(|n| format!("{author}/{n}"))));
    }
}

async fn racing_authors_of_many_sessions_do_not_disturb_each_other(place: &impl Place) {
    const SESSIONS: u128 = 40;
    let log = place.open();
    let rival = Arc::clone(&log);
    let author = |log: Arc<dyn Log>| async move {
        join_all((0..SESSIONS).map(|n| {
            let log = Arc::clone(&log);
            async move {
                let session = SessionId::nth(visitor(n), 1);
                let begun = log.append(append_to(session, 0, [started(visitor(n), 1)])).await;
                assert!(matches!(begun, Ok(()) | Err(AppendError::Conflict { .. })));
                say(&*log, session, 1, "hello").await;
            }
        }))
        .await
    };
    tokio::join!(author(log), author(rival));

    let log = place.open();
    for n in 0..SESSIONS {
        let events = log.read(SessionId::nth(visitor(n), 1), 0, 10).await.unwrap();
        assert_eq!(texts(&events), ["hello", "hello"]);
    }
}

async fn two_logs_opened_in_one_place_have_one_fence(place: &impl Place) {
    let [a, b] = [place.open(), place.open()];
    a.append(start()).await.unwrap();
    b.append(append(1, [said("from b")])).await.unwrap();
    let late = a.append(append(1, [said("from a")])).await;
    assert_eq!(late, Err(AppendError::Conflict { missing: vec![event(2, said("from b"))] }));
    a.append(append(2, [said("from a")])).await.unwrap();
    assert_eq!(texts(&all(&*b).await), ["from b", "from a"]);
}

async fn an_offset_beyond_the_end_is_refused(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    let ahead = log.append(append(5, [said("from nowhere")])).await;
    assert!(matches!(ahead, Err(AppendError::Log(LogError::Failed(_)))), "{ahead:?}");
    assert_eq!(all(&*log).await.len(), 1);
    assert_eq!(log.health(), Ok(()));
}

async fn malformed_appends_are_refused_and_disturb_nobody(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    let mut with_gap = append(1, [said("a"), said("b")]);
    with_gap.events[1].offset = 9;
    let mut at_no_time = append(1, [said("a")]);
    at_no_time.events[0].time = u64::MAX;
    let other = SessionId::nth(visitor(8), 1);
    let without_start = append_to(other, 0, [said("a")]);
    let without_events = append(1, []);

    let malformed = [with_gap, at_no_time, without_start, without_events].map(|a| log.append(a));
    let sound = log.append(append(1, [said("sound")]));

    for refused in join_all(malformed).await {
        assert!(matches!(refused, Err(AppendError::Log(LogError::Failed(_)))), "{refused:?}");
    }
    sound.await.unwrap();
    assert_eq!(texts(&all(&*log).await), ["sound"]);
    assert_eq!(log.health(), Ok(()));
}

async fn a_session_is_of_one_site(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    for mut elsewhere in [start(), append(1, [said("hello")])] {
        elsewhere.site = "bank".parse().unwrap();
        let refused = log.append(elsewhere).await;
        assert!(matches!(refused, Err(AppendError::Log(LogError::Failed(_)))), "{refused:?}");
    }
    assert_eq!(all(&*log).await.len(), 1);
}

async fn an_unknown_event_is_carried_as_it_came(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    log.append(append(1, [from_the_future()])).await.unwrap();
    drop(log);
    assert_eq!(all(&*place.open()).await[1], event(2, from_the_future()));
}

async fn every_part_of_an_event_is_kept(place: &impl Place) {
    let log = place.open();
    let began = append(0, rich_bodies());
    log.append(began.clone()).await.unwrap();
    assert_eq!(all(&*log).await, began.events);
}

async fn a_read_has_a_limit_and_goes_on_from_where_it_ended(place: &impl Place) {
    let log = place.open();
    let many = READ_EVENTS_MAX + 10;
    let bodies = (1..many).map(|n| said(n.to_string()));
    log.append(append(0, [started(visitor(7), 1)].into_iter().chain(bodies))).await.unwrap();

    let page = log.read(session(), 3, 4).await.unwrap();
    assert!(page.iter().map(|event| event.offset).eq(4..=7));
    assert_eq!(log.read(session(), 0, u32::MAX).await.unwrap().len(), READ_EVENTS_MAX as usize);
    assert_eq!(log.read(session(), READ_EVENTS_MAX.into(), u32::MAX).await.unwrap().len(), 10);
    assert_eq!(log.read(session(), 0, 0).await, Ok(vec![]));
    assert_eq!(log.read(session(), many.into(), 10).await, Ok(vec![]));
    assert_eq!(log.read(session(), u64::MAX, 10).await, Ok(vec![]));
}

async fn a_session_that_never_was_is_empty(place: &impl Place) {
    let log = place.open();
    assert_eq!(log.read(session(), 0, 10).await, Ok(vec![]));
    assert_eq!(log.session(session()).await, Ok(None));
    assert_eq!(log.sessions_of(shop(), visitor(7), None, 10).await, Ok(vec![]));
}

async fn what_is_known_of_a_session_tells_when_it_was_closed(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    let open = record(1, 1000, None);
    assert_eq!(log.session(session()).await, Ok(Some(open.clone())));

    log.append(append(1, [said("bye"), closed()])).await.unwrap();
    let then = Some(record(1, 1000, Some(3000)));
    assert_eq!(log.session(session()).await, Ok(then.clone()));

    let rating = Rating { score: 5, comment: None };
    log.append(append(3, [EventBody::SessionRated(rating)])).await.unwrap();
    assert_eq!(log.session(session()).await, Ok(then), "what comes after changes nothing of it");
}

async fn an_event_longer_than_a_message_is_refused_with_all_that_came_with_it(place: &impl Place) {
    let log = place.open();
    log.append(start()).await.unwrap();
    let long = said("x".repeat(MESSAGE_BYTES_MAX));
    let refused = log.append(append(1, [said("before it"), long])).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Failed(_)))), "{refused:?}");
    assert_eq!(log.health(), Ok(()));
    log.append(append(1, [said("in its place")])).await.unwrap();
    assert_eq!(texts(&log.read(session(), 0, 10).await.unwrap()), ["in its place"]);
}

async fn a_visitors_sessions_come_latest_first(place: &impl Place) {
    let log = place.open();
    for ordinal in [2, 1, 3] {
        let session = SessionId::nth(visitor(7), ordinal);
        let append = append_to(session, 0, [started(visitor(7), ordinal), closed()]);
        log.append(append).await.unwrap();
    }
    let other = SessionId::nth(visitor(8), 1);
    log.append(append_to(other, 0, [started(visitor(8), 1)])).await.unwrap();

    let of = async |site: SiteId, before, limit| {
        let records = log.sessions_of(site, visitor(7), before, limit).await.unwrap();
        records.iter().map(|record| record.ordinal).collect::<Vec<_>>()
    };
    assert_eq!(of(shop(), None, 10).await, [3, 2, 1]);
    assert_eq!(of(shop(), None, 2).await, [3, 2]);
    assert_eq!(of(shop(), Some(3), 10).await, [2, 1]);
    assert_eq!(of(shop(), Some(3), 1).await, [2]);
    assert_eq!(of(shop(), Some(u32::MAX), 10).await, [3, 2, 1]);
    assert_eq!(of(shop(), Some(1), 10).await, [0; 0]);
    assert_eq!(of("bank".parse().unwrap(), None, 10).await, [0; 0]);
    let latest = log.sessions_of(shop(), visitor(7), None, 1).await.unwrap();
    assert_eq!(latest, [record(3, 1000, Some(2000))]);
}

async fn stale_sessions_are_those_whose_last_event_is_old_and_that_are_open(place: &impl Place) {
    let log = place.open();
    let session = |n| SessionId::nth(visitor(n), 1);
    let start = |n| started(visitor(n), 1);
    log.append(append_to(session(1), 0, [start(1), said("at 2000")])).await.unwrap();
    log.append(append_to(session(2), 0, [start(2), said("a"), said("at 3000")])).await.unwrap();
    log.append(append_to(session(3), 0, [start(3), closed()])).await.unwrap();
    log.append(append_to(session(4), 0, [start(4)])).await.unwrap();

    let stale = async |before, limit| {
        let records = log.stale(before, limit).await.unwrap();
        let mut sessions: Vec<_> = records.into_iter().map(|record| record.session).collect();
        sessions.sort();
        sessions
    };
    let sorted = |mut sessions: Vec<_>| {
        sessions.sort();
        sessions
    };
    assert_eq!(stale(1000, 10).await, []);
    assert_eq!(stale(2000, 10).await, [session(4)]);
    assert_eq!(stale(2001, 10).await, sorted(vec![session(1), session(4)]));
    assert_eq!(stale(u64::MAX, 10).await, sorted(vec![session(1), session(2), session(4)]));
    assert_eq!(stale(u64::MAX, 2).await.len(), 2);
}

async fn expired_sessions_are_those_that_were_closed_before_in_that_order(place: &impl Place) {
    let log = place.open();
    let session = |n| SessionId::nth(visitor(n), 1);
    // Closed at 4000, 2000, 3000; one open; one closed at 2000 and rated after.
    for (n, said_before) in [(1, 2), (2, 0), (3, 1)] {
        let bodies = std::iter::once(started(visitor(n), 1))
            .chain((0..said_before).map(|_| said("hello")))
            .chain([closed()]);
        log.append(append_to(session(n), 0, bodies)).await.unwrap();
    }
    log.append(append_to(session(4), 0, [started(visitor(4), 1), said("open")])).await.unwrap();

    let expired = async |before, limit| {
        let records = log.expired(before, limit).await.unwrap();
        records.into_iter().map(|record| record.session).collect::<Vec<_>>()
    };
    assert_eq!(expired(2000, 10).await, []);
    assert_eq!(expired(2001, 10).await, [session(2)]);
    assert_eq!(expired(u64::MAX, 10).await, [session(2), session(3), session(1)]);
    assert_eq!(expired(u64::MAX, 2).await, [session(2), session(3)]);
    assert_eq!(expired(u64::MAX, 0).await, []);

    let rating = EventBody::SessionRated(Rating { score: 5, comment: None });
    log.append(append_to(session(2), 2, [rating])).await.unwrap();
    assert_eq!(
        expired(2001, 10).await,
        [session(2)],
        "by when it was closed, not by what followed"
    );

    let first = log.expired(2001, 1).await.unwrap().remove(0);
    assert_eq!(Some(first), log.session(session(2)).await.unwrap(), "with all that is known of it");
    assert_eq!(log.remove(session(2), None).await, Ok(true));
    assert_eq!(expired(u64::MAX, 10).await, [session(3), session(1)]);
}

async fn a_removed_session_is_gone_with_its_events_and_from_its_visitors_list(place: &impl Place) {
    let log = place.open();
    for ordinal in [1, 2] {
        let session = SessionId::nth(visitor(7), ordinal);
        let bodies = [started(visitor(7), ordinal), said("hello"), closed()];
        log.append(append_to(session, 0, bodies)).await.unwrap();
    }
    assert_eq!(log.remove(session(), None).await, Ok(true));
    assert_eq!(log.session(session()).await, Ok(None));
    assert_eq!(log.read(session(), 0, 10).await, Ok(vec![]));
    let left = log.sessions_of(shop(), visitor(7), None, 10).await.unwrap();
    assert_eq!(left, [record(2, 1000, Some(3000))]);
    assert_eq!(log.read(left[0].session, 0, 10).await.unwrap().len(), 3, "others are untouched");
    assert_eq!(log.stale(u64::MAX, 10).await, Ok(vec![]));
    assert_eq!(log.health(), Ok(()));
}

async fn a_removed_session_stays_gone_after_reopening(place: &impl Place) {
    let log = place.open();
    log.append(append(0, [started(visitor(7), 1), closed()])).await.unwrap();
    assert_eq!(log.remove(session(), Some(2)).await, Ok(true));
    drop(log);
    let log = place.open();
    assert_eq!(log.session(session()).await, Ok(None));
    assert_eq!(log.read(session(), 0, 10).await, Ok(vec![]));
    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(1));
    assert!(log.append(start()).await.is_err());
}

async fn an_open_session_is_not_removed_and_stays_whole(place: &impl Place) {
    let log = place.open();
    log.append(append(0, [started(visitor(7), 1), said("hello")])).await.unwrap();
    for at in [None, Some(2)] {
        let refused = log.remove(session(), at).await;
        assert!(matches!(refused, Err(LogError::Failed(_))), "{refused:?}");
    }
    log.append(append(2, [said("still here")])).await.unwrap();
    assert_eq!(texts(&all(&*log).await), ["hello", "still here"]);
    assert_eq!(log.session(session()).await, Ok(Some(record(1, 1000, None))));
    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(0));
    assert_eq!(log.health(), Ok(()));
}

async fn to_remove_again_or_what_never_was_is_fine(place: &impl Place) {
    let log = place.open();
    assert_eq!(log.remove(session(), None).await, Ok(true));
    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(0), "there was none to remove");
    log.append(append(0, [started(visitor(7), 1), closed()])).await.unwrap();
    for at in [Some(2), Some(2), None, Some(9)] {
        assert_eq!(log.remove(session(), at).await, Ok(true));
    }
    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(1));
}

async fn a_session_is_removed_at_the_end_that_was_named_or_left_as_it_is(place: &impl Place) {
    let log = place.open();
    log.append(append(0, [started(visitor(7), 1), closed()])).await.unwrap();
    let rating = EventBody::SessionRated(Rating { score: 4, comment: None });
    log.append(append(2, [rating])).await.unwrap();
    for elsewhere in [0, 2, 4] {
        assert_eq!(log.remove(session(), Some(elsewhere)).await, Ok(false));
    }
    assert_eq!(all(&*log).await.len(), 3);
    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(0));
    assert_eq!(log.remove(session(), Some(3)).await, Ok(true));
    assert_eq!(all(&*log).await, []);
}

async fn a_removed_session_does_not_come_back_to_life(place: &impl Place) {
    let log = place.open();
    log.append(append(0, [started(visitor(7), 1), said("hello"), closed()])).await.unwrap();
    assert_eq!(log.remove(session(), None).await, Ok(true));
    let rating = || EventBody::SessionRated(Rating { score: 4, comment: None });
    let appends = [
        append(3, [rating()]),
        append(1, [said("from the middle")]),
        start(),
        append(0, [started(visitor(7), 1), said("anew"), closed()]),
    ];
    for append in appends {
        let refused = log.append(append).await;
        assert!(matches!(refused, Err(AppendError::Log(LogError::Failed(_)))), "{refused:?}");
    }
    assert_eq!(all(&*log).await, []);
    assert_eq!(log.session(session()).await, Ok(None));
    assert_eq!(log.sessions_of(shop(), visitor(7), None, 10).await, Ok(vec![]));
    assert_eq!(log.stale(u64::MAX, 10).await, Ok(vec![]));
    assert_eq!(log.expired(u64::MAX, 10).await, Ok(vec![]));
    assert_eq!(log.health(), Ok(()));
}

async fn a_visitors_next_session_after_all_were_removed_has_a_number_of_its_own(
    place: &impl Place,
) {
    let log = place.open();
    let nth = |ordinal| SessionId::nth(visitor(7), ordinal);
    let begin = |ordinal| append_to(nth(ordinal), 0, [started(visitor(7), ordinal), closed()]);
    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(0));
    for ordinal in [1, 2, 3] {
        log.append(begin(ordinal)).await.unwrap();
    }
    // Whatever the order in which they go, the number never falls.
    for (ordinal, highest) in [(2, 2), (1, 2), (3, 3)] {
        assert_eq!(log.remove(nth(ordinal), None).await, Ok(true));
        assert_eq!(log.removed(shop(), visitor(7)).await, Ok(highest));
    }
    assert_eq!(log.removed(shop(), visitor(8)).await, Ok(0));
    assert_eq!(log.removed("bank".parse().unwrap(), visitor(7)).await, Ok(0));

    log.append(begin(4)).await.unwrap();
    let list = log.sessions_of(shop(), visitor(7), None, 10).await.unwrap();
    assert_eq!(list, [record(4, 1000, Some(2000))]);
    log.append(append_to(SessionId::nth(visitor(8), 1), 0, [started(visitor(8), 1)]))
        .await
        .expect("other visitors' numbers are their own");
}

async fn of_racing_removals_and_appends_each_finds_all_of_a_session_or_nothing(place: &impl Place) {
    const SESSIONS: u128 = 30;
    let (log, also) = (place.open(), place.open());
    let nth = |n| SessionId::nth(visitor(n), 1);
    for n in 0..SESSIONS {
        log.append(append_to(nth(n), 0, [started(visitor(n), 1), closed()])).await.unwrap();
    }
    let rating = || EventBody::SessionRated(Rating { score: 3, comment: None });
    let removals = join_all((0..SESSIONS).map(|n| log.remove(nth(n), Some(2))));
    let ratings = join_all((0..SESSIONS).map(|n| also.append(append_to(nth(n), 2, [rating()]))));
    let (removals, ratings) = tokio::join!(removals, ratings);
    for (n, (removed, rated)) in (0..SESSIONS).zip(removals.into_iter().zip(ratings)) {
        let left = log.read(nth(n), 0, 10).await.unwrap().len();
        match (removed, rated) {
            (Ok(true), Err(AppendError::Log(LogError::Failed(_)))) => assert_eq!(left, 0),
            (Ok(false), Ok(())) => assert_eq!(left, 3),
            other => panic!("one of the two must win: {other:?}"),
        }
    }
}

async fn a_log_that_serves_is_healthy(place: &impl Place) {
    let log = place.open();
    assert_eq!(log.health(), Ok(()));
    log.append(start()).await.unwrap();
    assert!(log.append(start()).await.is_err());
    assert_eq!(log.health(), Ok(()));
}

/// Says it at the first offset where nobody else does; answers where that was.
async fn say(log: &dyn Log, session: SessionId, mut head: Offset, text: &str) -> Offset {
    loop {
        match log.append(append_to(session, head, [said(text)])).await {
            Ok(()) => return head + 1,
            Err(AppendError::Conflict { missing }) => {
                assert_eq!(missing[0].offset, head + 1);
                head += missing.len() as Offset;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// All events of [`session`].
async fn all(log: &dyn Log) -> Vec<Event> {
    log.read(session(), 0, READ_EVENTS_MAX).await.unwrap()
}

/// What is known of a session of visitor 7.
fn record(ordinal: u32, started: u64, closed: Option<u64>) -> SessionRecord {
    let session = SessionId::nth(visitor(7), ordinal);
    SessionRecord { session, site: shop(), visitor: visitor(7), ordinal, started, closed }
}

fn closed() -> EventBody {
    EventBody::SessionClosed { cause: CloseCause::Away }
}

/// Of a type that no version knows.
fn from_the_future() -> EventBody {
    let body = json!({ "type": "poll_opened", "options": ["a", { "b": [1, -2, 2.5, null] }] });
    match body {
        Value::Object(fields) => EventBody::Unknown(fields),
        _ => unreachable!(),
    }
}

/// A start, and then events with as much in them as events can have.
fn rich_bodies() -> Vec<EventBody> {
    let operator = || Holder::Operator { id: Some("op-1".parse().unwrap()), name: "Ana".into() };
    let page = Page { url: "https://shop.example/ā".into(), title: Some("Shoes 👟".into()) };
    let context = VisitorContext {
        country: Some("LV".into()),
        device: Device::Tablet,
        browser: Some("Firefox 140".into()),
        language: Some("lv".into()),
        page: Some(page.clone()),
        ..VisitorContext::default()
    };
    let change = ControlChange {
        epoch: 2,
        holder: operator(),
        previous: Holder::Bot {},
        cause: ControlCause::Forced,
        reason: Some("asked for".into()),
        notice: None,
    };
    let choice = Choice { label: "A human, please".into(), action: ChoiceAction::RequestHuman };
    let answer = ChatMessage {
        text: "¿Qué?\u{0}\n".into(),
        epoch: u64::MAX,
        key: Some("key".parse().unwrap()),
        turn: Some(3),
        choices: vec![choice],
    };
    vec![
        EventBody::SessionStarted { visitor: visitor(7), ordinal: 1, context },
        EventBody::PageViewed { page },
        EventBody::HumanRequested {},
        EventBody::ControlChanged(change),
        EventBody::Message(answer),
        EventBody::Note { text: "careful".into(), key: None },
        EventBody::BotFailed { epoch: 1, turn: 3, reason: BotFailure::Timeout, detail: None },
        EventBody::VisitorLeft {},
        EventBody::DataChanged { data: [("Größe".into(), "\u{0}é".into())].into() },
        closed(),
        EventBody::SessionRated(Rating { score: 1, comment: Some("¿Qué?".into()) }),
    ]
}

struct SqlitePlace(tempfile::TempDir);

impl Place for SqlitePlace {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn Log> {
        let path = self.0.path().join("data").join("vigie.db");
        Arc::new(SqliteLog::open(path, SqliteLogOptions::default()).unwrap())
    }
}

bind_log_contract!(sqlite, SqlitePlace);

/// A prefix of its own in a server, or a cluster, that all stories share.
struct RedisPlace(config::Redis);

impl RedisPlace {
    fn at(url: String) -> Self {
        Self(config::Redis {
            url: Some(url),
            prefix: redis_server::prefix(),
            connections: 2,
            timeout: Duration::from_secs(10),
        })
    }
}

impl Place for RedisPlace {
    fn new() -> Self {
        Self::at(redis_server::shared().url())
    }

    fn open(&self) -> Arc<dyn Log> {
        Arc::new(RedisLog::open(Redis::open(&self.0).unwrap(), None).unwrap())
    }
}

bind_log_contract!(redis, RedisPlace);

struct RedisClusterPlace(RedisPlace);

impl Place for RedisClusterPlace {
    fn new() -> Self {
        Self(RedisPlace::at(shared_cluster().url()))
    }

    fn open(&self) -> Arc<dyn Log> {
        self.0.open()
    }
}

bind_log_contract!(redis_cluster, RedisClusterPlace);
