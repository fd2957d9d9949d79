//! The languages that the embedded bot speaks: what it says, and which words mean nothing, a
//! greeting or a wish for a human.
//!
//! Words are written as [`words`](super::words::words) gives them: lower case, without diacritics,
//! cut at apostrophes.

/// A language that the bot speaks. It finds articles in any other language too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// French.
    French,
    /// Latvian.
    Latvian,
}

/// What the bot says and understands in one language. Lists of words are separated by spaces.
pub struct Speech {
    /// To a greeting.
    pub greeting: &'static str,
    /// To thanks.
    pub welcome: &'static str,
    /// To a farewell.
    pub goodbye: &'static str,
    /// To a wish for a human.
    pub human: &'static str,
    /// To what it cannot answer.
    pub unknown: &'static str,
    /// Follows `unknown` where topics are offered.
    pub nearest: &'static str,
    /// The choice that calls a human.
    pub call_human: &'static str,

    /// Words that say nothing of the subject.
    stop: &'static str,
    /// Greetings.
    greetings: &'static str,
    /// Thanks, and that an answer will do.
    thanks: &'static str,
    /// Farewells.
    farewells: &'static str,
    /// Yes: the only question that the bot asks is whether a human is wanted.
    consent: &'static str,
    /// Humans that one can wish for.
    humans: &'static str,
    /// With one of `humans`, a wish for one.
    wishes: &'static str,
    /// What visitors of most sites ask about first.
    starters: &'static str,
    /// Endings that do not change what a word speaks of, the empty one aside.
    endings: &'static str,
}

/// What a message is, if it is no question of substance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmallTalk {
    /// Hello.
    Greeting,
    /// Thanks, fine.
    Thanks,
    /// Goodbye.
    Farewell,
    /// A human, please.
    HumanWanted,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::English, Self::French, Self::Latvian];

    /// The one that a BCP 47 tag names.
    pub fn of(tag: &str) -> Option<Self> {
        let primary = primary(tag);
        Self::ALL.into_iter().find(|language| language.tag() == primary)
    }

    /// Its BCP 47 primary tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Latvian => "lv",
        }
    }

    /// What the bot says and understands in it.
    pub const fn speech(self) -> &'static Speech {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
            Self::Latvian => &LATVIAN,
        }
    }

    /// The one that the words are in, by the small words that each language has. Where they do not
    /// tell, the first of `likely`.
    pub fn spoken(words: &[String], likely: &[Self]) -> Self {
        let count = |language: &Self| {
            let speech = language.speech();
            words.iter().filter(|word| speech.is_small(word) || within(speech.humans, word)).count()
        };
        let first = likely.first().copied().unwrap_or(Self::English);
        let mut best = (count(&first), first);
        for language in likely.iter().copied().chain(Self::ALL) {
            if count(&language) > best.0 {
                best = (count(&language), language);
            }
        }
        best.1
    }
}

impl Speech {
    /// Whether a word says nothing of the subject.
    pub fn is_small(&self, word: &str) -> bool {
        [self.stop, self.greetings, self.thanks, self.farewells, self.consent]
            .iter()
            .any(|list| within(list, word))
    }

    /// What the words are, if they hold nothing else.
    pub fn small_talk(&self, words: &[String]) -> Option<SmallTalk> {
        let any = |list: &str| words.iter().any(|word| within(list, word));
        let all_small_or = |list: &str| {
            words
                .iter()
                .all(|word| self.is_small(word) || within(list, word) || within(self.wishes, word))
        };
        let all_in = |list: &str| !words.is_empty() && words.iter().all(|word| within(list, word));
        if any(self.humans) && (any(self.wishes) || all_small_or(self.humans)) {
            Some(SmallTalk::HumanWanted)
        } else if !words.iter().all(|word| self.is_small(word)) {
            None
        } else if any(self.thanks) {
            Some(SmallTalk::Thanks)
        } else if any(self.farewells) {
            Some(SmallTalk::Farewell)
        } else if any(self.greetings) {
            Some(SmallTalk::Greeting)
        } else if all_in(self.consent) {
            Some(SmallTalk::HumanWanted)
        } else {
            None
        }
    }

    /// Words of what visitors of most sites ask about first. The small words at their end find
    /// passages of sites that are about something else.
    pub fn starters(&self) -> Vec<String> {
        self.starters.split(' ').map(str::to_owned).collect()
    }

    /// Endings that do not change what a word speaks of.
    pub fn endings(&self) -> impl Iterator<Item = &'static str> {
        self.endings.split(' ')
    }
}

/// The primary subtag of a BCP 47 tag: `fr` of `fr-CA`.
pub fn primary(tag: &str) -> String {
    tag.split('-').next().unwrap_or_default().to_ascii_lowercase()
}

fn within(list: &str, word: &str) -> bool {
    list.split(' ').any(|entry| entry == word)
}

const ENGLISH: Speech = Speech {
    greeting: "Hello! I am an automatic assistant. What would you like to know?",
    welcome: "You are welcome. I am here if you need anything else.",
    goodbye: "Goodbye, and see you soon!",
    human: "I am an automatic assistant. If you like, a human will take over.",
    unknown: "I am sorry, I do not know the answer to that. Would you like to talk to a human?",
    nearest: "Or is it about one of these topics?",
    call_human: "Talk to a human",
    stop: "a about after again all also am an and any anybody anyone anything are aren as ask at be \
           because been before being big but by can cannot could couldn d did didn do does doesn doing \
           don each either else ever every explain find for from get gets getting give go going \
           got had has hasn have haven having he help her here him his how i idea if in info \
           information into is isn it its just kind know let like ll long look looking lot m made many may \
           maybe me mean might more most much must my need needs new no not now of off often on one only or \
           other our out over own please possible question questions re really s same say see she \
           should show so some something soon still such sure t take takes tell than that the \
           their them then there these they thing things this those though through to too under \
           understand until up us use usually ve very want wanted was way we were what when where \
           whether which who whom whose why will with within without won wonder wondering would \
           you your yours yourself cant didnt doesnt dont hasnt havent im isnt ive thats whats",
    greetings: "hello hi hey hiya howdy greetings good morning afternoon evening day",
    thanks: "thanks thank thx ty cheers ok okay great perfect cool nice wonderful excellent fine \
             alright",
    farewells: "bye goodbye farewell later cya",
    consent: "yes yep yeah please",
    humans: "human humans agent agents operator operators person somebody someone representative \
             advisor adviser assistant staff employee colleague robot bot chatbot ai",
    wishes: "talk speak chat contact connect transfer real live actual call reach",
    starters: "delivery order orders returns payment price prices opening hours contact account \
               appointment the and to of",
    endings: "s es ed ing e y ys ies ment ments",
};

const FRENCH: Speech = Speech {
    greeting: "Bonjour ! Je suis un assistant automatique. Que voulez-vous savoir ?",
    welcome: "Je vous en prie. Je suis là si vous avez besoin d'autre chose.",
    goodbye: "Au revoir et à bientôt !",
    human: "Je suis un assistant automatique. Si vous le souhaitez, un humain prendra le relais.",
    unknown: "Je suis désolé, je ne connais pas la réponse. Voulez-vous parler à un humain ?",
    nearest: "Ou s'agit-il de l'un de ces sujets ?",
    call_human: "Parler à un humain",
    stop: "a afin ai aide aider aimerais ainsi alors apres as au aucun aucune aurais aussi autre autres aux \
           avais avait avant avec avez avoir avons besoin bien c ca car ce cela celle celui ces cet cette cherche chercher \
           chez chose choses combien comme comment connaitre d dans de demande depuis des deux dire \
           dis dit dites dois doit donc donner du elle elles en encore entre es est et etais etait \
           ete etes etre eu eux expliquer fait faire fais fait faites faut font il ils info infos \
           information informations j je jusqu l la le les leur leurs long longtemps lorsqu lui ma \
           mais me meme mes mettre mien moi moins mon n ne ni non nos notre nous on ont ou par \
           parce pas peu peut peuvent peux plus possible pour pourquoi pourrais pourriez pouvez \
           pouvoir prend prendre pres pris prise puis puisqu puisse qu quand que quel quelle quelles quels \
           quelque quelques question questions qui quoi renseignement renseignements s sa sais sans savoir se sera serait ses \
           si soit son sont souhaite souhaiterais sous suis sur t ta te temps tes toi ton tous tout \
           toute toutes tres trouver tu un une utiliser va vais vers veut veux voici voila voir \
           vont vos votre voudrais voulais voulez vous vraiment y",
    greetings: "bonjour bonsoir salut coucou hello journee soiree",
    thanks: "merci mercis remercie parfait super genial ok accord beaucoup",
    farewells: "revoir adieu bientot ciao demain",
    consent: "oui ouais volontiers plait svp stp",
    humans: "humain humaine humains agent conseiller conseillere operateur operatrice personne \
             quelqu vendeur vendeuse employe employee collegue responsable robot chatbot ia",
    wishes: "parler discuter joindre contacter vrai vraie reel reelle appeler tchatter",
    starters: "livraison commande commandes retours paiement prix horaires contact compte \
               rendez le la et de",
    endings: "s x e es er ez ee ees i is ie ies ir ent ant ants ons ement ements aison aisons \
              ation ations eur eurs euse able ables",
};

const LATVIAN: Speech = Speech {
    greeting: "Labdien! Es esmu automātisks palīgs. Ko jūs vēlaties uzzināt?",
    welcome: "Lūdzu! Es esmu šeit, ja vajadzēs vēl ko.",
    goodbye: "Uz redzēšanos!",
    human: "Es esmu automātisks palīgs. Ja vēlaties, sarunu turpinās cilvēks.",
    unknown: "Atvainojiet, es nezinu atbildi uz šo jautājumu. Vai vēlaties runāt ar cilvēku?",
    nearest: "Vai varbūt jautājums ir par kādu no šīm tēmām?",
    call_human: "Runāt ar cilvēku",
    stop: "ar ari arī arvien as bet bez bija biju but caur cik citi cits cita da dara darit del \
           dod es esam esat esi esmu gan grib gribetu gribu ieks ir iespejams ja jabut jau jautajums \
           jo jums jus jusu ka kad kada kadai kadas kadi kados kads kam kapec kas katra katrs kaut \
           ko kur kura kuram kuras kuri kurs ladzu lai lidz lidzu loti man mana manas mani mans mes \
           mums musu ne nav ne nebija nedrikst nekas nevar no noteikti nu o otrs pa paldies par \
           pec pie pirms pret sadi sai saja sajos sava savas savs se seit si sis so son starp \
           ta tad tads tagad tai taja tam tas te tev ti tie tik tikai to tomer tos tu un uz vai \
           vairak var varat varetu varu vel velas velatos velos viens vina vinas vini vins visa \
           visi viss zem zinat",
    greetings: "labdien labrit labvakar sveiki sveiks sveika cau labs rits diena",
    thanks: "paldies pateicos pateicamies labi skaidrs lieliski super ok",
    farewells: "ata redzesanos visu labu atvadas",
    consent: "ja protams ludzu",
    humans: "cilveks cilveku cilvekam operators operatoru operatoram konsultants konsultantu \
             konsultantam darbinieks darbinieku darbiniekam parstavis parstavi robots bots",
    wishes: "runat parunat sazinaties savienot dzivu dzivs istu ists sarunaties",
    starters: "piegade pasutijums pasutijumi atgriesana maksajums cena cenas darba laiks kontakti \
               un par ir ar",
    endings: "a as ai am ams u us i is im iem e es ei em s os o et at it ana anas anu sana sanas sanu \
              juma jums jumu",
};
