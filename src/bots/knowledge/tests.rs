//! The bot over the demo's knowledge: what it answers, and what it admits not to know.

use std::path::Path;

use super::*;
use crate::core::site::Site;
use crate::store::{Article, OperatorRecord, StoreFuture};

const DEMO: &str = "config/demo/knowledge";

/// A store in memory that matches whole words like the index, with its BM25.
struct Shelf(Vec<(Article, Vec<(Passage, Vec<String>)>)>);

impl Shelf {
    fn new(articles: Vec<Article>) -> Self {
        let passages = |article: &Article| {
            let passage = |section: &crate::store::Section| {
                let all = format!("{} {} {}", article.title, section.heading, section.text);
                let passage = Passage {
                    slug: article.slug.clone(),
                    language: article.language.clone(),
                    title: article.title.clone(),
                    heading: section.heading.clone(),
                    text: section.text.clone(),
                    score: 0.0,
                };
                (passage, words(&all))
            };
            article.sections.iter().map(passage).collect()
        };
        Self(articles.into_iter().map(|article| (article.clone(), passages(&article))).collect())
    }

    fn demo() -> Self {
        Self::new(read_articles(Path::new(DEMO)).unwrap())
    }

    fn find(&self, asked: &[String], language: Option<&str>, limit: u32) -> Vec<Passage> {
        let all: Vec<_> = self.0.iter().flat_map(|(_, passages)| passages).collect();
        let mean =
            all.iter().map(|(_, words)| words.len()).sum::<usize>() as f64 / all.len() as f64;
        let idf = |word: &String| {
            let having = all.iter().filter(|(_, words)| words.contains(word)).count() as f64;
            ((all.len() as f64 - having + 0.5) / (having + 0.5)).ln().max(1e-6)
        };
        let mut asked: Vec<_> = asked.iter().map(|word| (word, idf(word))).collect();
        asked.dedup();
        let score = |words: &[String]| -> f64 {
            let of = |(word, idf): &(&String, f64)| {
                let count = words.iter().filter(|w| w == word).count() as f64;
                idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * words.len() as f64 / mean))
            };
            asked.iter().map(of).sum()
        };
        let mut found: Vec<_> = all
            .iter()
            .filter(|(passage, _)| language.is_none_or(|language| passage.language == language))
            .map(|(passage, words)| Passage { score: score(words), ..passage.clone() })
            .filter(|passage| passage.score > 0.0)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(limit as usize);
        found
    }
}

impl Store for Shelf {
    fn search(
        &self,
        _: SiteId,
        words: Vec<String>,
        language: Option<String>,
        limit: u32,
    ) -> StoreFuture<Vec<Passage>> {
        let found = self.find(&words, language.as_deref(), limit);
        Box::pin(async { Ok(found) })
    }

    fn put_site(&self, _: Site) -> StoreFuture<()> {
        unreachable!()
    }
    fn site(&self, _: SiteId) -> StoreFuture<Option<Site>> {
        unreachable!()
    }
    fn site_by_key(&self, _: String) -> StoreFuture<Option<Site>> {
        unreachable!()
    }
    fn sites(&self) -> StoreFuture<Vec<Site>> {
        unreachable!()
    }
    fn put_operator(&self, _: SiteId, _: OperatorRecord) -> StoreFuture<()> {
        unreachable!()
    }
    fn operators(&self, _: SiteId) -> StoreFuture<Vec<OperatorRecord>> {
        unreachable!()
    }
    fn replace_articles(&self, _: SiteId, _: Vec<Article>) -> StoreFuture<()> {
        unreachable!()
    }
}

fn ask(shelf: &Shelf, language: &str, messages: &[&str]) -> KnowledgeAnswer {
    let messages: Vec<_> = messages.iter().map(|text| (*text).to_owned()).collect();
    let site = "demo".parse().unwrap();
    let settings = SiteSettings::default();
    let answer = answer(shelf, &site, &settings, Some(language), &messages);
    let answer = futures_util::FutureExt::now_or_never(answer).unwrap().unwrap();
    check_choices(&answer, &messages);
    answer
}

/// What holds for every answer.
fn check_choices(answer: &KnowledgeAnswer, messages: &[String]) {
    assert!(answer.text.chars().count() <= ANSWER_CHARS_MAX, "{}", answer.text);
    assert!(!answer.text.is_empty());
    let sent: Vec<_> =
        answer.choices.iter().filter(|choice| choice.action == ChoiceAction::Send).collect();
    assert!(sent.len() <= FOLLOW_UPS_MAX);
    for (n, choice) in answer.choices.iter().enumerate() {
        assert!(!messages.contains(&choice.label), "{} was asked before", choice.label);
        assert!(
            !answer.choices[..n].iter().any(|c| c.label == choice.label),
            "{} twice",
            choice.label
        );
    }
}

/// The slug and heading of the passage that an answer is.
fn source(shelf: &Shelf, answer: &KnowledgeAnswer) -> String {
    let start = answer.text.trim_end_matches(" …");
    shelf
        .0
        .iter()
        .flat_map(|(_, passages)| passages)
        .find(|(passage, _)| passage.text.starts_with(start))
        .map_or_else(
            || format!("none: {}", answer.text),
            |(passage, _)| format!("{}: {}", passage.slug, passage.heading),
        )
}

fn offers_human(answer: &KnowledgeAnswer) -> bool {
    answer.choices.iter().any(|choice| choice.action == ChoiceAction::RequestHuman)
}

#[test]
fn questions_find_the_article_that_answers_them() {
    let shelf = Shelf::demo();
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
        let source = source(&shelf, &ask(&shelf, language, &[question]));
        if !source.starts_with(expected) {
            wrong.push(format!("{question}\n    {expected} expected, but {source}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_no_article_answers_is_admitted_and_a_human_is_offered() {
    let shelf = Shelf::demo();
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
        let answer = ask(&shelf, language, &[question]);
        let speech = Language::of(language).unwrap().speech();
        if !answer.text.starts_with(speech.unknown) || !offers_human(&answer) {
            wrong.push(format!("{question}\n    {}", source(&shelf, &answer)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn zz_probe() {
    let shelf = Shelf::demo();
    for line in std::fs::read_to_string("/tmp/probe.txt").unwrap().lines() {
        let Some((language, question)) = line.split_once(' ') else { continue };
        let messages: Vec<_> = question.split(" / ").collect();
        let answer = ask(&shelf, language, &messages);
        let src = source(&shelf, &answer);
        let src =
            if src.starts_with("none") { answer.text.chars().take(60).collect() } else { src };
        let choices: Vec<_> = answer.choices.iter().map(|c| c.label.as_str()).collect();
        println!("{line}\n      -> {src}   {choices:?}");
    }
}
