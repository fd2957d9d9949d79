//! Arriving, leaving and coming back; several tabs are one visit.

use vigie::core::decide::Refusal;
use vigie::core::site::SiteSettings;
use vigie_protocol::event::{Author, EventBody, Page, VisitorContext};
use vigie_protocol::{DATA_ENTRIES_MAX, DATA_KEY_BYTES_MAX, DATA_VALUE_BYTES_MAX, LINE_BYTES_MAX};

use crate::story::{Story, ann, data, page, visitor, visitor_id};

const HOME: &str = "https://shop.example/";
const CART: &str = "https://shop.example/cart";

#[test]
fn the_first_arrival_starts_the_session() {
    let context = VisitorContext { country: Some("LV".into()), ..Default::default() };
    let mut story = Story::untold(SiteSettings::default());
    let done = story.accepts(visitor().arrives_with(context.clone()));
    assert_eq!((done.offset, done.epoch), (1, 1));
    let started =
        EventBody::SessionStarted { visitor: visitor_id(), ordinal: 1, context: context.clone() };
    assert_eq!(story.last().body, started);
    assert_eq!(story.last().author, Author::System {});
    assert_eq!(story.session.visitor(), Some(visitor_id()));
    assert_eq!(story.session.context(), &context);
    assert!(story.session.present());
}

#[test]
fn before_the_first_arrival_there_is_no_session() {
    let story = Story::untold(SiteSettings::default());
    for command in [
        visitor().says("hello"),
        visitor().leaves(),
        visitor().views(HOME),
        visitor().asks_for_a_human(),
        visitor().is_told(data(&[("plan", "pro")])),
        visitor().rates(5, None),
        visitor().ends(),
        ann().takes_over(),
        ann().notes("who?"),
        ann().is_lost(1),
        ann().closes(),
    ] {
        assert_eq!(story.refuses(command), Refusal::Unknown);
    }
    assert_eq!(story.session.card(true), None);
}

#[test]
fn a_second_tab_is_the_same_visit() {
    let mut story = Story::untold(SiteSettings::default()).then(visitor().arrives_on(HOME));
    story.changes_nothing(visitor().arrives_on(HOME));
    story.changes_nothing(visitor().arrives());
    story.accepts(visitor().arrives_on(CART));
    assert_eq!(story.last().body, EventBody::PageViewed { page: page(CART) });
    assert_eq!(story.last().author, Author::Visitor {});
}

#[test]
fn who_has_left_returns_with_a_new_context() {
    let mut story = Story::begins().then(visitor().leaves());
    assert_eq!(story.last().body, EventBody::VisitorLeft {});
    assert_eq!(story.last().author, Author::System {});
    assert!(!story.session.present());
    story.changes_nothing(visitor().leaves());
    let context = VisitorContext { page: Some(page(CART)), ..Default::default() };
    story.accepts(visitor().arrives_with(context.clone()));
    assert_eq!(story.last().body, EventBody::VisitorReturned { context: context.clone() });
    assert_eq!(story.session.context(), &context);
    assert!(story.session.present());
}

#[test]
fn coming_and_going_changes_neither_control_nor_a_turn() {
    let held = Story::begins().then(ann().takes_over());
    let asked = Story::begins().then(visitor().says("hello"));
    for mut story in [held, asked] {
        let (control, turn) = (story.control().clone(), story.session.turn());
        for command in [visitor().leaves(), visitor().arrives()] {
            story.accepts(command);
            assert_eq!(story.effects, []);
        }
        assert_eq!((story.control(), story.session.turn()), (&control, turn));
    }
}

#[test]
fn a_page_is_told_once_for_each_change() {
    let mut story = Story::begins();
    story.accepts(visitor().views(HOME));
    assert_eq!(story.last().body, EventBody::PageViewed { page: page(HOME) });
    story.changes_nothing(visitor().views(HOME));
    story.accepts(visitor().views(CART));
    story.accepts(visitor().views(HOME));
    assert_eq!(story.session.context().page, Some(page(HOME)));
}

#[test]
fn a_page_s_url_and_title_have_bounds() {
    use vigie::core::decide::Command::ViewPage;
    let story = Story::begins();
    let longest = "x".repeat(LINE_BYTES_MAX);
    let too_long = "x".repeat(LINE_BYTES_MAX + 1);
    let view = |url: &str, title: Option<&str>| {
        ViewPage(Page { url: url.into(), title: title.map(Into::into) })
    };
    story.clone().accepts(view(&longest, Some(&longest)));
    for (url, title) in [("", None), (&*too_long, None), (HOME, Some(&*too_long))] {
        assert!(matches!(story.refuses(view(url, title)), Refusal::Invalid(_)));
    }
}

#[test]
fn what_the_page_tells_of_its_visitor_is_told_once_for_each_change() {
    let (pro, free) = (data(&[("plan", "pro"), ("cart", "")]), data(&[("plan", "free")]));
    let mut story = Story::begins();
    story.accepts(visitor().is_told(pro.clone()));
    assert_eq!(story.last().body, EventBody::DataChanged { data: pro.clone() });
    assert_eq!(story.last().author, Author::Visitor {});
    assert_eq!(story.changes_nothing(visitor().is_told(pro.clone())).offset, 2);
    story.accepts(visitor().is_told(free.clone()));
    assert_eq!(story.session.data(), &free, "the new stands in place of the old");
    story.accepts(visitor().is_told(data(&[])));
    assert_eq!(story.last().body, EventBody::DataChanged { data: data(&[]) });
    story.changes_nothing(visitor().is_told(data(&[])));
}

#[test]
fn who_arrives_brings_what_the_page_tells_or_leaves_it_as_it_is() {
    let pro = data(&[("plan", "pro")]);
    let mut story = Story::untold(SiteSettings::default());
    assert_eq!(story.accepts(visitor().arrives_told(pro.clone())).offset, 2);
    assert!(matches!(story.log[0].body, EventBody::SessionStarted { .. }));
    assert_eq!(story.last().body, EventBody::DataChanged { data: pro.clone() });
    story.changes_nothing(visitor().arrives_told(pro.clone()));
    story.changes_nothing(visitor().arrives());
    story.accepts(visitor().leaves());
    story.accepts(visitor().arrives());
    assert_eq!(story.session.data(), &pro);
    story.accepts(visitor().arrives_told(data(&[])));
    assert_eq!(story.session.data(), &data(&[]));
    let mut bare = Story::untold(SiteSettings::default());
    assert_eq!(bare.accepts(visitor().arrives_told(data(&[]))).offset, 1, "nothing is no news");
}

#[test]
fn what_the_page_tells_has_bounds() {
    let entries = |count: usize, key: usize, value: usize| {
        let entry = |n: usize| (format!("{n:0key$}"), "v".repeat(value));
        (0..count).map(entry).collect::<vigie_protocol::event::CustomData>()
    };
    let (most, key, value) = (DATA_ENTRIES_MAX, DATA_KEY_BYTES_MAX, DATA_VALUE_BYTES_MAX);
    let untold = Story::untold(SiteSettings::default());
    let story = Story::begins();
    story.clone().accepts(visitor().is_told(entries(most, key, value)));
    for bad in [
        entries(most + 1, key, value),
        entries(most, key + 1, value),
        entries(most, key, value + 1),
        data(&[("", "nothing names it")]),
        data(&[("  ", "nothing names it")]),
    ] {
        assert!(matches!(story.refuses(visitor().is_told(bad.clone())), Refusal::Invalid(_)));
        assert!(matches!(untold.refuses(visitor().arrives_told(bad)), Refusal::Invalid(_)));
    }
}
