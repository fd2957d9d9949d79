//! Windows that begin further down.

use super::*;

#[test]
fn a_window_further_down_holds_the_cards_that_come_after_those_before_it() {
    let mut list = list(7);
    for (skip, first, expected) in [
        (0, 2, &[7, 6][..]),
        (2, 2, &[5, 4]),
        (4, 9, &[3, 2, 1]),
        (6, 1, &[1]),
        (7, 2, &[]),
        (90, 2, &[]),
    ] {
        let snapshot = list.watch(9, operator("ann"), &skipping(skip, first)).unwrap();
        assert_eq!(sessions(&snapshot.cards), expected, "{skip} {first}");
        assert_eq!(snapshot.totals.matching, 7, "they are counted all the same");
    }
}

#[test]
fn what_happens_before_a_window_shifts_it_by_one_and_what_happens_behind_it_is_not_noticed() {
    let mut list = list(9);
    list.watch(1, operator("ann"), &skipping(3, 2)).unwrap();
    let told = |list: &mut LiveList<u32>| {
        let [(1, delta)] = &list.flush()[..] else { panic!() };
        (sessions(&delta.upsert), delta.remove.to_vec())
    };
    // 9 8 7 | 6 5 | 4 3 2 1
    list.remove(session(8));
    assert_eq!(told(&mut list), (vec![4], vec![session(6)]));
    // 9 7 6 | 5 4 | 3 2 1
    list.upsert(Arc::new(card(20, 2000)));
    assert_eq!(told(&mut list), (vec![6], vec![session(4)]));
    // 20 9 7 | 6 5 | 4 3 2 1
    list.remove(session(6));
    assert_eq!(told(&mut list), (vec![4], vec![session(6)]));
    // 20 9 7 | 5 4 | 3 2 1: one from behind goes to the top
    list.upsert(Arc::new(card(1, 3000)));
    assert_eq!(told(&mut list), (vec![7], vec![session(4)]));
    // 1 20 9 | 7 5 | 4 3 2: one from the top goes behind
    list.upsert(Arc::new(card(1, 1)));
    assert_eq!(told(&mut list), (vec![4], vec![session(7)]));
    // 20 9 7 | 5 4 | 3 2 1: one before and one behind change without moving
    list.upsert(Arc::new(said(card(9, 1009), "hello", 5000)));
    list.upsert(Arc::new(said(card(2, 1002), "hello", 5000)));
    assert_eq!(list.flush(), []);
}

#[test]
fn a_window_beyond_the_end_of_the_list_fills_when_the_list_grows() {
    let mut list = list(2);
    assert_eq!(shown(&mut list, &skipping(3, 2)), [0; 0]);
    let mut inside = Vec::new();
    for (n, expected) in
        [(3, &[][..]), (4, &[1]), (5, &[1, 2]), (6, &[2, 3]), (7, &[3, 4]), (8, &[4, 5])]
    {
        list.upsert(Arc::new(card(n, 1000 + n as u64)));
        for (_, delta) in list.flush() {
            inside.retain(|n| !delta.remove.contains(&session(*n)));
            inside.extend(sessions(&delta.upsert));
        }
        inside.sort_unstable();
        assert_eq!(inside, expected, "after {n}");
    }
}
