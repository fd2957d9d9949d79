//! The bot over the demo's knowledge: what it answers, and what it admits not to know.

use std::path::Path;

use super::*;
use crate::core::site::Site;
use crate::store::Article;
use crate::store::sqlite::SqliteStore;

const DEMO: &str = "config/demo/knowledge";

/// A site's articles in a store of their own.
struct Shelf {
    store: SqliteStore,
    site: SiteId,
    articles: Vec<Article>,
    _dir: tempfile::TempDir,
}

impl Shelf {
    async fn demo() -> Self {
        Self::with(read_articles(Path::new(DEMO)).unwrap()).await
    }

    async fn with(articles: Vec<Article>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("vigie.db")).unwrap();
        let site: SiteId = "demo".parse().unwrap();
        let record = Site {
            id: site.clone(),
            name: "Demo".into(),
            key: "demo".into(),
            secret: "of no use here".into(),
            origins: Vec::new(),
            native_clients: true,
            settings: SiteSettings::default(),
        };
        store.put_site(record).await.unwrap();
        store.replace_articles(site.clone(), articles.clone()).await.unwrap();
        Self { store, site, articles, _dir: dir }
    }

    async fn ask(&self, language: &str, messages: &[&str]) -> KnowledgeAnswer {
        let messages: Vec<_> = messages.iter().map(|text| (*text).to_owned()).collect();
        let settings = SiteSettings::default();
        let answer = answer(&self.store, &self.site, &settings, Some(language), &messages);
        let answer = answer.await.unwrap();
        check(&answer, &messages);
        answer
    }

    /// The slug and heading of the passage that an answer is.
    fn source(&self, answer: &KnowledgeAnswer) -> String {
        let start = answer.text.trim_end_matches(" …");
        let passages = self.articles.iter().flat_map(|article| {
            article.sections.iter().map(move |section| (&article.slug, section))
        });
        for (slug, section) in passages {
            if section.text.starts_with(start) {
                return format!("{slug}: {}", section.heading);
            }
        }
        format!("none: {}", answer.text)
    }
}

/// What holds for every answer.
fn check(answer: &KnowledgeAnswer, messages: &[String]) {
    assert!(answer.text.chars().count() <= ANSWER_CHARS_MAX, "{}", answer.text);
    assert!(!answer.text.is_empty());
    let of = |action| answer.choices.iter().filter(move |choice| choice.action == action).count();
    assert!(of(ChoiceAction::Send) <= FOLLOW_UPS_MAX);
    assert!(of(ChoiceAction::RequestHuman) <= 1);
    for (n, choice) in answer.choices.iter().enumerate() {
        let is_new =
            choice.action == ChoiceAction::RequestHuman || !messages.contains(&choice.label);
        assert!(is_new, "{} was asked before", choice.label);
        assert!(!answer.choices[..n].contains(choice), "{} twice", choice.label);
    }
}

fn offers_human(answer: &KnowledgeAnswer) -> bool {
    answer.choices.iter().any(|choice| choice.action == ChoiceAction::RequestHuman)
}

fn labels(answer: &KnowledgeAnswer) -> Vec<&str> {
    answer.choices.iter().map(|choice| choice.label.as_str()).collect()
}

#[tokio::test]
async fn questions_find_the_article_that_answers_them() {
    let shelf = Shelf::demo().await;
    let mut wrong = Vec::new();
    for (language, question, expected) in [
        ("en", "How much is shipping to Germany?", "shipping.en"),
        ("en", "how long does delivery take", "shipping.en: Delivery times"),
        ("en", "Do you deliver to the United States?", "shipping.en"),
        ("en", "Do I have to pay customs in Switzerland?", "shipping.en: Customs"),
        ("en", "Can I pick up my parcel at a pick-up point?", "shipping.en: Pick-up points"),
        ("en", "I want to return a bag", "returns.en: How to return a bag"),
        ("en", "who pays for returns?", "returns.en: Who pays"),
        ("en", "when will I be refunded?", "returns.en: When do I get my refund?"),
        ("en", "Can I exchange it for another colour?", "returns.en: Exchanging"),
        ("en", "Do you accept PayPal?", "payment.en"),
        ("en", "can I pay in 3 instalments", "payment.en: Paying in instalments"),
        ("en", "my card was declined", "payment.en: My payment was declined"),
        ("en", "Where do I enter a discount code?", "payment.en: Discount codes"),
        ("en", "I need an invoice with our VAT number", "payment.en: Invoices"),
        ("en", "What are your opening hours?", "contact.en: Opening hours"),
        ("en", "are you open on Sundays?", "contact.en: Opening hours"),
        ("en", "what is your phone number", "contact.en: Phone"),
        (
            "en",
            "a buckle broke, is that covered by the warranty?",
            "warranty.en: What the warranty",
        ),
        ("en", "How much does a repair cost?", "warranty.en: Prices of repairs"),
        ("en", "How do I clean the canvas?", "care.en: Cleaning"),
        ("en", "can I put the bag into the washing machine", "care.en"),
        ("en", "Where is my order?", "tracking.en: Where is my order?"),
        ("en", "my parcel hasn't arrived", "tracking.en: My parcel has not arrived"),
        ("en", "Can I still cancel my order?", "tracking.en: Changing"),
        ("en", "how long is a gift card valid", "gift-cards.en: How long"),
        ("en", "Are the panniers waterproof?", "products.en: Are the bags waterproof?"),
        ("en", "does it fit on a Brompton", "sizes.en: Folding bikes"),
        ("fr", "Combien coûte la livraison en France ?", "shipping.fr: Frais"),
        ("fr", "quels sont les délais de livraison", "shipping.fr: Délais"),
        ("fr", "Est-ce que vous livrez en Suisse ?", "shipping.fr"),
        ("fr", "Comment renvoyer un sac ?", "returns.fr: Comment retourner"),
        ("fr", "Quand vais-je être remboursé ?", "returns.fr: Quand"),
        ("fr", "le retour est-il gratuit", "returns.fr: Qui paie"),
        ("fr", "Puis-je payer en plusieurs fois ?", "payment.fr: Payer en plusieurs"),
        ("fr", "J'ai un code promo", "payment.fr: Codes"),
        ("fr", "quels sont vos horaires", "contact.fr: Horaires"),
        ("fr", "Êtes-vous ouverts le samedi ?", "contact.fr"),
        ("fr", "où est l'atelier ?", "contact.fr"),
        ("fr", "Une boucle est cassée, c'est sous garantie ?", "warranty.fr: Ce que couvre"),
        ("fr", "Comment nettoyer la toile cirée ?", "care.fr: Nettoyer"),
        ("fr", "Où en est ma commande ?", "tracking.fr: Où est ma commande"),
        ("fr", "mon colis est abimé", "tracking.fr: Le colis est abîmé"),
        ("fr", "Je voudrais annuler ma commande", "tracking.fr: Modifier"),
        ("fr", "une carte cadeau est valable combien de temps", "gift-cards.fr: Combien"),
        ("fr", "vos sacoches sont-elles imperméables ?", "products.fr: Les sacs sont-ils étanches"),
        ("fr", "Quelle taille choisir ?", "sizes.fr: Quelle taille"),
    ] {
        let source = shelf.source(&shelf.ask(language, &[question]).await);
        if !source.starts_with(expected) {
            wrong.push(format!("{question}\n    {expected} expected, but {source}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_no_article_answers_is_admitted_and_a_human_is_offered() {
    let shelf = Shelf::demo().await;
    let mut wrong = Vec::new();
    for (language, question) in [
        ("en", "Do you sell helmets?"),
        ("en", "Do you ship to Japan?"),
        ("en", "What is the capital of Australia?"),
        ("en", "Can I rent a bicycle for the weekend?"),
        ("en", "Write me a poem about love"),
        ("en", "What will the weather be in Paris tomorrow?"),
        ("en", "Are you hiring?"),
        ("en", "Who is the president of France?"),
        ("en", "Is the bag good for skiing?"),
        ("en", "asdfgh"),
        ("en", "???"),
        ("en", ""),
        ("fr", "Livrez-vous au Japon ?"),
        ("fr", "Vendez-vous des casques ?"),
        ("fr", "Qui a gagné le match hier ?"),
        ("fr", "Est-ce que vous recrutez un couturier ?"),
        ("fr", "Quel temps fera-t-il à Marseille ce week-end ?"),
        ("lv", "Vai jums ir ķiveres?"),
    ] {
        let answer = shelf.ask(language, &[question]).await;
        let speech = Language::of(language).unwrap().speech();
        if !answer.text.starts_with(speech.unknown) || !offers_human(&answer) {
            wrong.push(format!("{question}\n    {}", shelf.source(&answer)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn where_there_is_no_answer_the_nearest_topics_are_offered() {
    let shelf = Shelf::demo().await;
    let answer = shelf.ask("en", &["Do you ship to Japan?"]).await;
    assert_eq!(labels(&answer)[0], "Talk to a human");
    assert!(labels(&answer).contains(&"Countries we ship to"), "{answer:?}");
    assert_eq!(labels(&shelf.ask("en", &["asdfgh"]).await), ["Talk to a human"]);
    let puzzled = shelf.ask("fr", &["Quoi ?"]).await;
    assert!(offers_human(&puzzled) && puzzled.choices.len() == 1 + FOLLOW_UPS_MAX, "{puzzled:?}");
}

#[tokio::test]
async fn a_choice_leads_to_the_passage_whose_heading_it_is() {
    let shelf = Shelf::demo().await;
    for article in &shelf.articles {
        for section in &article.sections {
            let answer = shelf.ask(&article.language, &["Hmm", &section.heading]).await;
            let expected = format!("{}: {}", article.slug, section.heading);
            assert_eq!(shelf.source(&answer), expected);
            assert!(!answer.choices.is_empty(), "{expected} leads nowhere");
        }
    }
}

#[tokio::test]
async fn an_answer_leads_on_to_the_rest_of_its_article() {
    let shelf = Shelf::demo().await;
    let answer = shelf.ask("en", &["How do I clean the canvas?"]).await;
    assert_eq!(answer.choices.len(), FOLLOW_UPS_MAX);
    let article = shelf.articles.iter().find(|article| article.slug == "care.en").unwrap();
    for label in labels(&answer) {
        assert!(article.sections.iter().any(|section| section.heading == label), "{label}");
    }
}

#[tokio::test]
async fn a_question_of_few_words_leans_on_the_one_before() {
    let shelf = Shelf::demo().await;
    for (language, messages, expected) in [
        ("en", ["How much is shipping to France?", "and to Canada?"], "shipping.en"),
        ("en", ["How do I return a bag?", "and who pays?"], "returns.en: Who pays"),
        ("en", ["How do I look after the canvas?", "and the leather?"], "care.en: Leather"),
        ("en", ["Do you ship to Spain?", "how long does it take?"], "shipping.en: Delivery times"),
        ("en", ["Do you ship to Spain?", "What does the warranty cover?"], "warranty.en: What"),
        ("en", ["Do you sell helmets?", "warranty"], "warranty.en"),
        ("fr", ["Combien coûte la livraison en France ?", "et en Suisse ?"], "shipping.fr"),
        (
            "fr",
            ["Puis-je retourner mon sac ?", "et si je l'ai acheté en solde ?"],
            "returns.fr: Ce qui",
        ),
    ] {
        let source = shelf.source(&shelf.ask(language, &messages).await);
        assert!(source.starts_with(expected), "{messages:?}: {source}");
    }
}

#[tokio::test]
async fn small_talk_is_answered_in_kind() {
    let shelf = Shelf::demo().await;
    let (en, fr, lv) =
        (Language::English.speech(), Language::French.speech(), Language::Latvian.speech());
    for (language, message, expected) in [
        ("en", "Hello!", en.greeting),
        ("en", "hi there", en.greeting),
        ("en", "Good morning, how are you?", en.greeting),
        ("fr", "Bonjour", fr.greeting),
        ("fr", "Bonjour, j'ai une question", fr.greeting),
        ("lv", "Labdien!", lv.greeting),
        ("en", "Thanks a lot!", en.welcome),
        ("en", "ok, thank you", en.welcome),
        ("fr", "merci beaucoup", fr.welcome),
        ("lv", "Paldies!", lv.welcome),
        ("en", "bye", en.goodbye),
        ("fr", "Au revoir", fr.goodbye),
        ("lv", "Uz redzēšanos", lv.goodbye),
    ] {
        let answer = shelf.ask(language, &[message]).await;
        assert_eq!(answer.text, expected, "{message}");
        let has_articles = language != "lv";
        let leads_on = expected != en.goodbye && expected != fr.goodbye && has_articles;
        assert_eq!(answer.choices.len(), if leads_on { FOLLOW_UPS_MAX } else { 0 }, "{message}");
    }
    let greeted = shelf.ask("en", &["Hello, where is my order?"]).await;
    assert_eq!(shelf.source(&greeted), "tracking.en: Where is my order?");
}

#[tokio::test]
async fn who_wishes_for_a_human_is_offered_one() {
    let shelf = Shelf::demo().await;
    for (language, message) in [
        ("en", "human"),
        ("en", "Talk to a human"),
        ("en", "I want to talk to a real person"),
        ("en", "agent please"),
        ("en", "can I speak with someone about my order"),
        ("en", "are you a bot?"),
        ("en", "yes please"),
        ("fr", "Parler à un humain"),
        ("fr", "je veux parler à quelqu'un"),
        ("fr", "un conseiller svp"),
        ("fr", "oui"),
        ("lv", "Runāt ar cilvēku"),
        ("lv", "operators"),
        ("lv", "jā, lūdzu"),
    ] {
        let answer = shelf.ask(language, &["Do you sell helmets?", message]).await;
        let speech = Language::of(language).unwrap().speech();
        assert_eq!(answer.text, speech.human, "{message}");
        let call = Choice { label: speech.call_human.into(), action: ChoiceAction::RequestHuman };
        assert_eq!(answer.choices, [call], "{message}");
    }
}

#[tokio::test]
async fn the_bot_follows_a_visitor_into_another_language() {
    let shelf = Shelf::demo().await;
    for (language, message, expected) in [
        ("en", "Où en est ma commande ?", "tracking.fr"),
        ("fr", "Where is my order?", "tracking.en"),
        ("fr-CA", "opening hours", "contact.en"),
        ("EN-us", "opening hours", "contact.en"),
        ("de", "Where is my order?", "tracking.en"),
        ("de", "Où en est ma commande ?", "tracking.fr"),
    ] {
        let source = shelf.source(&shelf.ask(language, &[message]).await);
        assert!(source.starts_with(expected), "{message}: {source}");
    }
    let answer = shelf.ask("en", &["Vendez-vous des casques ?"]).await;
    assert!(answer.text.starts_with(Language::French.speech().unknown));
}

#[tokio::test]
async fn a_site_without_articles_says_so_politely() {
    let shelf = Shelf::with(Vec::new()).await;
    assert!(offers_human(&shelf.ask("en", &["Where is my order?"]).await));
    assert!(offers_human(&shelf.ask("en", &[]).await));
    assert_eq!(shelf.ask("en", &["Hello"]).await.text, Language::English.speech().greeting);
}

#[tokio::test]
async fn nothing_that_a_visitor_writes_breaks_the_search() {
    let shelf = Shelf::demo().await;
    let long = "return the bag ".repeat(10_000);
    let many: String = (0..5000).map(|n| format!("word{n} ")).collect();
    for message in [
        long.as_str(),
        &many,
        "\" OR 1=1 --",
        "NEAR(return bag) AND NOT title:x*",
        "return\0bag",
        "é\u{301}\u{301}\u{301} \u{202e}gab",
        "🚲🚲🚲",
        "((((((((",
        "包は防水ですか",
    ] {
        shelf.ask("en", &[message]).await;
    }
}

#[tokio::test]
async fn a_long_passage_is_cut_where_a_sentence_ends() {
    let sentence = "The bags of this shop are sewn by hand. ";
    let items = "- one more thing that is sold here\n";
    for (text, end) in [
        (sentence.repeat(40), "sewn by hand. …"),
        (items.repeat(40), "sold here …"),
        ("word ".repeat(400), "word …"),
        ("é".repeat(900), "é …"),
    ] {
        let excerpt = excerpt(text.trim());
        assert!(excerpt.ends_with(end), "{excerpt}");
        let length = excerpt.chars().count();
        assert!(length <= ANSWER_CHARS_MAX && length > ANSWER_CHARS_MAX - 60, "{length}");
    }
    let short = sentence.repeat(10);
    assert_eq!(excerpt(&short), short);
}

#[test]
fn the_demo_has_every_article_in_english_and_french() {
    let articles = read_articles(Path::new(DEMO)).unwrap();
    let of = |language: &str| -> Vec<_> {
        let named = articles.iter().filter(|article| article.language == language);
        named
            .map(|article| (article.slug.split('.').next().unwrap(), article.sections.len()))
            .collect()
    };
    assert_eq!(of("en").len(), 10);
    assert_eq!(of("en"), of("fr"));
}

#[test]
fn the_demo_site_is_whole_but_for_its_secret() {
    let mut site: toml::Table =
        std::fs::read_to_string("config/demo/site.toml").unwrap().parse().unwrap();
    assert!(site.insert("secret".into(), "made at import".into()).is_none());
    let site: Site = site.try_into().unwrap();
    assert_eq!((site.id.as_str(), site.key.as_str()), ("demo", "demo"));
    assert!(site.native_clients);
}
