"""What sentences about somebody mean: rules over the words from the verb on, and the sentences they make.

A rule matches the words behind the subject, in the first person or the third, without times and adverbs. Its drafts
are filled with the rule's groups; `{name}` is the subject's.
"""

import re
from dataclasses import dataclass
from typing import Literal

from cognition.store.memories import Kind

__all__ = ["BE", "EVENT_VERBS", "HAVE", "OCCUPATION", "RULES", "THING_RULES", "Draft", "Rule"]

When = Literal["", "since", "until", "at", "due"]

BE = r"(?:am|is|are)"
HAVE = r"(?:have|has)"
_DO_NOT = r"(?:(?:do|does) not|no longer|never)"
_BEEN = r"(?:have been|has been)"
_V = r"(?P<v>.+)"
_PREFERENCE = 0.5


@dataclass(frozen=True, slots=True)
class Draft:
    """A memory to be filled in.

    Attributes:
        kind: of the memory.
        attribute: may hold groups in braces.
        value: a group, or words with groups.
        text: the sentence.
        single: the attribute has one value at a time.
        when: what a time in the sentence is to it: its beginning, its end, when it happened, when it is due.
        importance: before novelty, time and use.
        check: what the value has to be: a `place`, an `occupation`, a `thing`; empty for anything short.
    """

    kind: Kind
    attribute: str
    value: str
    text: str
    single: bool = False
    when: When = "since"
    importance: float = 0.5
    check: Literal["", "place", "occupation", "thing"] = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Words behind a subject, and what follows from them."""

    pattern: re.Pattern[str]
    drafts: tuple[Draft, ...]


def _rule(pattern: str, *drafts: Draft) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), drafts)


def _verb(base: str, third: str, ing: str, participle: str) -> str:
    """All forms that say that it is so now."""
    return rf"(?:{base}|{third}|{BE} {ing}|{HAVE} {participle}|{_BEEN} {ing})"


def _home(text: str, **more: object) -> Draft:
    return Draft("fact", "home", "{v}", text, True, importance=0.8, check="place", **more)  # type: ignore[arg-type]


def _opinion(value: str, verb: str, *, when: When = "since") -> Draft:
    return Draft(
        "preference", "opinion of {v}", value, f"{{name}} {verb} {{v}}.", True, when, _PREFERENCE, "thing"
    )


_LIVES = _home("{name} lives in {v}.")
_LEFT_HOME = Draft("fact", "home", "{a}", "{name} no longer lives in {a}.", True, "until", 0.6, "place")
_EMPLOYED = Draft("fact", "employer", "{v}", "{name} works at {v}.", True, "since", 0.75, "thing")
_UNEMPLOYED = Draft("fact", "employer", "{a}", "{name} no longer works at {a}.", True, "until", 0.7, "thing")
_LEFT = Draft("fact", "employer", "{a}{b}", "{name} no longer works at {a}{b}.", True, "until", 0.7, "thing")
_OCCUPIED = Draft("fact", "occupation", "{v}", "{name} works as {v}.", True, "since", 0.75, "occupation")
_PET = r"(?P<pet>dog|cat|puppy|kitten|rabbit|hamster|parrot|horse|goldfish|turtle|bird|budgie|guinea pig|snake|lizard)"
_HAS_PET = Draft("fact", "pet", "{pet}", "{name} has a {pet}.", False, "since", 0.6)
_DIETS = r"(?P<v>vegetarian|vegan|pescatarian|gluten[- ]free|teetotal|halal|kosher|lactose intolerant)"
_EATS = Draft("fact", "diet", "{v}", "{name} is {v}.", True, "since", 0.7)
_CIVIL = r"(?P<v>married|divorced|engaged|single|widowed|separated|pregnant)"
_STATUS = Draft("fact", "marital status", "{v}", "{name} is {v}.", True, "since", 0.8)
_STUDIES = Draft("fact", "studies", "{v}", "{name} studies {v}.", True, "since", 0.7, "thing")
_PLAYS = (
    r"(?:the )?(?P<v>(?:acoustic |electric |bass )?(?:guitar|piano|violin|cello|drums"
    r"|flute|saxophone|trumpet|ukulele|harp|clarinet|bass|chess|tennis|football|soccer"
    r"|basketball|golf|volleyball|rugby|cricket|hockey|badminton|squash|bridge|poker"
    r"|padel))"
)
_LIKE = r"(?:like|likes|love|loves|adore|adores|enjoy|enjoys|prefer|prefers)"
_HATE = r"(?:hate|hates|dislike|dislikes|loathe|loathes|detest|detests|can not stand|can not bear|despise|despises)"

RULES: tuple[Rule, ...] = (
    # Homes.
    _rule(
        r"(?:(?:have|has) )?(?:moved|relocated)(?: house| out| away| over)? from (?P<a>.+?)"
        r" (?:back )?(?:in)?to (?P<v>.+)",
        _LEFT_HOME,
        _home("{name} moved from {a} to {v} and lives there."),
    ),
    _rule(
        r"(?:(?:have|has) )?(?:moved|relocated|settled)(?: house| out| away| over| down"
        r"| back)? (?:in)?(?:to|in) (?P<v>.+)",
        _home("{name} moved to {v} and lives there."),
    ),
    _rule(r"(?:(?:have|has) )?(?:moved out of|moved away from) (?P<a>.+)", _LEFT_HOME),
    _rule(rf"(?:{_DO_NOT} live|{BE} no(?:t| longer) living|no longer lives?) in (?P<a>.+)", _LEFT_HOME),
    _rule(
        r"(?:used to live|lived|was living|were living) (?:over |out |down |up |back )?in (?P<v>.+)",
        Draft("fact", "home", "{v}", "{name} used to live in {v}.", True, "until", 0.6, "place"),
    ),
    _rule(
        rf"(?:{_verb('live', 'lives', 'living', 'lived')}|{BE} (?:based|located|settled))"
        r" (?:over |out |down |up |here )?in (?P<v>.+)",
        _LIVES,
    ),
    _rule(
        r"(?:bought|found|rented|got|signed for) (?:myself |ourselves )?(?:an? |our |my"
        r" )(?:\w+ ){0,2}(?:flat|apartment|house|place|studio|cottage|loft) in (?P<v>.+)",
        _home("{name} has a place in {v}."),
    ),
    _rule(
        r"(?:grew up|was born|was raised|were raised) (?:and raised )?in (?P<v>.+)",
        Draft("fact", "origin", "{v}", "{name} grew up in {v}.", True, "", 0.7, "place"),
    ),
    _rule(
        rf"(?:{BE} (?:originally )?from|(?:come|comes) from) (?P<v>[A-Z].*)",
        Draft("fact", "origin", "{v}", "{name} is from {v}.", True, "", 0.7, "place"),
    ),
    # Work and study.
    _rule(
        r"(?:(?:have|has) )?(?:left|quit) (?:(?:my job at |the job at |working at )(?P<a>.+?)"
        r" (?:for|to join|to work (?:at|for)|and joined)|(?P<b>.+?) (?:to join|to work"
        r" (?:at|for)|and joined|and started at)) (?P<v>.+)",
        _LEFT,
        _EMPLOYED,
    ),
    _rule(
        r"(?:(?:have|has) )?(?:switched|changed|moved|went) (?:jobs )?from (?P<a>.+?)"
        r" to (?:work(?:ing)? (?:at|for) )(?P<v>.+)",
        _UNEMPLOYED,
        _EMPLOYED,
    ),
    _rule(
        rf"(?:{_DO_NOT} work|{BE} no(?:t| longer) working|stopped working|used to work"
        r"|worked|was working) (?:at|for|with) (?P<a>.+)",
        _UNEMPLOYED,
    ),
    _rule(
        r"(?:(?:have|has) )?(?:quit|left|resigned from|retired from|got fired from|was"
        r" fired from|was laid off (?:from|by|at)|got laid off (?:from|by|at)|lost my"
        r" job at) (?:my job at |the job at |my position at )?(?P<a>[A-Z].*|the .+|my"
        r" job.*)",
        _UNEMPLOYED,
    ),
    _rule(
        rf"(?:work|works|{BE} working|{_BEEN} working|worked|started|started working|started"
        rf" work|start|began|got (?:a |my first |the )?(?:new )?job|{HAVE} (?:a |the )(?:new"
        rf" )?job|{BE} employed|got hired|got a position|took (?:a |the )(?:new )?job)"
        r" as (?P<v>an? .+?|the .+?|[a-z]+) (?:at|for|with) (?P<w>.+)",
        _OCCUPIED,
        Draft("fact", "employer", "{w}", "{name} works at {w}.", True, "since", 0.75, "thing"),
    ),
    _rule(
        rf"(?:work|works|{BE} working|{_BEEN} working|{BE} employed|started|started working"
        rf"|began|retrained|trained|got (?:a |my first |the )?(?:new )?job|{HAVE} (?:a"
        r" |the )(?:new )?job|got hired|became|took (?:a |the )(?:new )?job) as (?P<v>.+?)(?: in (?:an?|the|my) .+)?$",
        _OCCUPIED,
    ),
    _rule(
        r"(?:(?:have|has) )?(?:became|become|been promoted to|was promoted to|got promoted"
        r" to|made) (?P<v>(?:an? |the )?[\w -]+)",
        _OCCUPIED,
    ),
    _rule(
        rf"(?:{_verb('work', 'works', 'working', 'worked')}|{BE} employed|(?:(?:have|has)"
        r" )?(?:joined|started (?:work(?:ing)? )?(?:at|with)|got (?:a |my first |the )?(?:new"
        rf" )?job|got hired|was hired)|{HAVE} (?:a |the )(?:new )?job|took (?:a |the )(?:new"
        r" )?job|signed on|start(?:s)?) ?(?:at|for|with|by)? (?P<v>(?!as )(?:the |an? )?(?:[A-Z].*"
        r"|\w+ (?:bank|hospital|school|bakery|library|museum|university|startup|company"
        r"|firm|agency|restaurant|shop|clinic|lab|factory|station)\b.*))",
        _EMPLOYED,
    ),
    _rule(
        rf"(?:work|works|{BE} working) (?:at|for|in) (?P<v>(?:an? |the )(?:[\w-]+ ){{0,3}}(?:bank"
        r"|hospital|school|bakery|library|museum|university|startup|company|firm|agency"
        r"|restaurant|cafe|café|bookshop|shop|store|clinic|lab|factory|station|office"
        r"|kitchen|garage|nursery|theatre|theater|studio|brewery|charity))",
        _EMPLOYED,
    ),
    _rule(
        rf"{BE} (?P<v>(?:an? |the )[\w -]+?) (?:at|for|with) (?P<w>[A-Z].*|(?:an? |the |my ).+)",
        _OCCUPIED,
        Draft("fact", "employer", "{w}", "{name} works at {w}.", True, "since", 0.75, "thing"),
    ),
    _rule(rf"{BE} (?P<v>(?:an? |the )[\w -]+)", _OCCUPIED),
    _rule(
        rf"{BE} (?:retired|unemployed|between jobs|freelancing|self-employed)",
        Draft("fact", "occupation", "{0}", "{name} {0}.", True, "since", 0.7),
    ),
    _rule(
        rf"(?:{_verb('study', 'studies', 'studying', 'studied')}|{BE} majoring in|{BE}"
        rf" doing a degree in|enrolled in|started studying|took up|{BE} learning|started"
        rf" learning|{BE} taking) (?P<v>.+)",
        _STUDIES,
    ),
    _rule(
        r"graduated (?:from|in) (?P<v>.+)",
        Draft("event", "graduation", "{v}", "{name} graduated from {v}.", False, "at", 0.7, "thing"),
    ),
    # How somebody is.
    _rule(rf"{BE} (?:a )?(?:strict |strictly )?{_DIETS}", _EATS),
    _rule(rf"(?:(?:have|has) )?(?:went|gone|turned|became|become) {_DIETS}", _EATS),
    _rule(
        rf"{BE} (?:no longer|not) (?:a )?{_DIETS}",
        Draft("fact", "diet", "{v}", "{name} is no longer {v}.", True, "until", 0.6),
    ),
    _rule(
        rf"{BE} allergic to (?P<v>.+)",
        Draft("fact", "allergy", "{v}", "{name} is allergic to {v}.", False, "", 0.9, "thing"),
    ),
    _rule(
        rf"{HAVE} an? (?P<v>[\w ]+?) allergy|{HAVE} an? allergy to (?P<w>.+)",
        Draft("fact", "allergy", "{v}{w}", "{name} is allergic to {v}{w}.", False, "", 0.9, "thing"),
    ),
    _rule(
        rf"(?:can not|{_DO_NOT}) (?:eat|drink|have) (?P<v>.+)",
        Draft("fact", "does not eat", "{v}", "{name} does not eat {v}.", False, "since", 0.6, "thing"),
    ),
    _rule(
        r"(?:(?:have|has) )?(?:stopped|quit|gave up|given up) (?P<v>(?:smoking|drinking"
        r"|eating|coffee|alcohol|sugar|meat|caffeine|cigarettes|running|dairy|bread)\b.*)",
        Draft("fact", "gave up", "{v}", "{name} gave up {v}.", False, "since", 0.6),
    ),
    _rule(rf"(?:{BE}|got|(?:have|has) gotten|am getting|were|was) {_CIVIL}\b(?! to)", _STATUS),
    _rule(rf"(?:{BE}|got|(?:have|has) gotten) (?P<v>married|engaged) to .+", _STATUS),
    _rule(
        r"(?:broke up|split up|separated|got divorced|divorced)\b(?P<v>.*)",
        Draft(
            "fact", "marital status", "separated", "{name} and their partner split up.", True, "since", 0.8
        ),
    ),
    _rule(
        rf"{BE} (?P<v>\d{{1,3}}|[a-z]+(?:-[a-z]+)?) years old",
        Draft("fact", "age", "{v}", "{name} is {v} years old.", True, "", 0.6),
    ),
    _rule(
        rf"(?:turned|turn|{BE} turning) (?P<v>\d{{2,3}}|thirty|forty|fifty|sixty|seventy"
        r"|eighty|eighteen|twenty(?:-\w+)?)",
        Draft("event", "age", "{v}", "{name} turned {v}.", False, "at", 0.6),
    ),
    _rule(
        rf"{HAVE} (?P<v>diabetes|asthma|adhd|migraines?|arthritis|celiac disease|coeliac"
        r" disease|high blood pressure|dyslexia|insomnia|anxiety|depression|epilepsy)",
        Draft("fact", "health", "{v}", "{name} has {v}.", False, "since", 0.85),
    ),
    _rule(
        rf"(?:was|were|got|{_BEEN}) diagnosed with (?P<v>.+)",
        Draft("fact", "health", "{v}", "{name} was diagnosed with {v}.", False, "since", 0.9, "thing"),
    ),
    _rule(
        rf"{BE} (?:afraid|scared|terrified|frightened) of (?P<v>.+)",
        Draft("fact", "fear", "{v}", "{name} is afraid of {v}.", False, "", 0.6, "thing"),
    ),
    _rule(
        r"(?:speak|speaks) (?:fluent |some |a little )?(?P<v>[A-Z].+)",
        Draft("fact", "language", "{v}", "{name} speaks {v}.", False, "", 0.6, "thing"),
    ),
    _rule(
        rf"{_verb('play', 'plays', 'playing', 'played')} {_PLAYS}",
        Draft("fact", "plays", "{v}", "{name} plays {v}.", False, "since", 0.55),
    ),
    _rule(
        rf"(?:started|took up|began)(?: playing| to play| learning)? {_PLAYS}",
        Draft("fact", "plays", "{v}", "{name} plays {v}.", False, "since", 0.55),
    ),
    _rule(
        rf"(?:stopped|quit|gave up)(?: playing)? {_PLAYS}",
        Draft("fact", "plays", "{v}", "{name} no longer plays {v}.", False, "until", 0.55),
    ),
    _rule(
        r"(?:started|took up|began|have taken up|has taken up) (?P<v>[a-z]+ing\b.*|yoga"
        r"|pilates|pottery|judo|karate|ballet)",
        Draft("fact", "hobby", "{v}", "{name} took up {v}.", False, "since", 0.55, "thing"),
    ),
    # Animals, children, things.
    _rule(
        rf"(?:{HAVE}|got|adopted|{HAVE} (?:adopted|got)) (?:an?|two|three|this|the) (?:\w+ ){{0,2}}{_PET}s?\b.*",
        _HAS_PET,
    ),
    _rule(
        r"(?:have|has) (?P<v>an?|one|two|three|four|five|\d) (?P<w>kids?|children|child"
        r"|sons?|daughters?|brothers?|sisters?|siblings?)\b.*",
        Draft("fact", "family", "{v} {w}", "{name} has {v} {w}.", False, "since", 0.7),
    ),
    _rule(
        r"(?:drive|drives) (?P<v>an? .+)",
        Draft("fact", "car", "{v}", "{name} drives {v}.", True, "since", 0.5, "thing"),
    ),
    # Tastes.
    _rule(
        rf"(?:used to {_LIKE}|used to be (?:into|a fan of|fond of)) (?P<v>.+)",
        _opinion("liked", "used to like", when="until"),
    ),
    _rule(
        rf"(?:{_DO_NOT} {_LIKE}|{BE} not (?:a (?:big |huge )?fan of|into|keen on|fond of)"
        rf"|{BE} no longer (?:a fan of|into|keen on)|(?:have|has) gone off|went off|got"
        rf" (?:sick|tired) of|{BE} (?:sick|tired) of) (?P<v>.+)",
        _opinion("does not like", "does not like"),
    ),
    _rule(rf"{_HATE} (?P<v>.+)", _opinion("hates", "hates")),
    _rule(
        r"(?:would|should) (?:love|like) to (?P<v>.+)",
        Draft("preference", "wish", "{v}", "{name} would like to {v}.", False, "since", 0.5),
    ),
    _rule(
        rf"(?:dream|dreams|{BE} dreaming) of (?P<v>\w+ing .+)",
        Draft("preference", "wish", "{v}", "{name} dreams of {v}.", False, "since", 0.5),
    ),
    _rule(
        r"prefer(?:s)? (?P<v>.+?) (?:over|to) (?P<w>.+)",
        Draft("preference", "preference over {w}", "{v}", "{name} prefers {v} to {w}.", True, "since", 0.5),
    ),
    _rule(r"(?:love|loves|adore|adores) (?P<v>.+)", _opinion("loves", "loves")),
    _rule(
        r"(?:(?:have|has) (?:started|begun|come|learned|learnt|grown) to|started to|came"
        r" to) (?:like|love|enjoy) (?P<v>.+)",
        _opinion("likes", "likes"),
    ),
    _rule(
        rf"(?:like|likes|enjoy|enjoys|prefer|prefers|{BE} (?:into|keen on|fond of|crazy"
        rf" about|obsessed with|a (?:big |huge )?fan of|in love with)|{HAVE} a soft spot"
        r" for) (?P<v>.+)",
        _opinion("likes", "likes"),
    ),
)

THING_RULES: tuple[Rule, ...] = (
    _rule(
        r"favou?rite (?P<t>[\w ]+) (?:is|are|has to be|has always been|would be) (?:now |probably )?(?P<v>.+)",
        Draft(
            "preference",
            "favourite {t}",
            "{v}",
            "{name}'s favourite {t} is {v}.",
            True,
            "since",
            0.6,
            "thing",
        ),
    ),
    _rule(
        r"birthday is (?:on |in )?(?P<v>.+)",
        Draft("fact", "birthday", "{v}", "{name}'s birthday is {v}.", True, "", 0.85),
    ),
    _rule(
        r"(?P<t>full name|last name|surname|first name|middle name|name|nickname) is (?P<v>[A-Z].*)",
        Draft("fact", "{t}", "{v}", "{name}'s {t} is {v}.", True, "", 0.8),
    ),
    _rule(
        r"(?P<t>dream|goal|plan|ambition|new year's resolution|resolution) is to (?P<v>.+)",
        Draft("preference", "goal", "{v}", "{name}'s {t} is to {v}.", False, "since", 0.6),
    ),
    _rule(
        r"(?P<t>job|profession|occupation) is (?P<v>.+)",
        Draft("fact", "occupation", "{v}", "{name}'s {t} is {v}.", True, "since", 0.7, "thing"),
    ),
    _rule(
        r"(?P<t>phone number|number|address|email|e-mail|email address|password hint|shoe"
        r" size|size|blood type|star sign|room number|locker|allergy|major|car|hometown"
        r"|native language|mother tongue|salary|height) is (?P<v>.+)",
        Draft("fact", "{t}", "{v}", "{name}'s {t} is {v}.", True, "since", 0.65),
    ),
)

OCCUPATION = re.compile(
    r"(?:\b|^)(?:nurse|chef|cook|judge|clerk|pilot|coach|guide|guard|smith|farmhand"
    r"|vet|midwife|architect|student|intern|apprentice|ceo|cto|dj"
    r"|mechanic|politician|physio|therapist|surgeon|model|spy|monk|priest|rabbi|imam"
    r"|mayor|\w+(?:er|or|ist|ian|ant|ent|eer|man|woman|smith|maid|yst|tect|wright"
    r"|ic|lead|analyst|hand))$",
    re.IGNORECASE,
)
EVENT_VERBS = re.compile(
    r"(?:(?:have|has|had) )?(?P<verb>went|visited|saw|met|ran|finished|started|began"
    r"|bought|sold|broke|lost|won|got|passed|failed"
    r"|celebrated|had|gave|took|flew|drove|travelled|traveled|hiked|climbed|swam|cooked"
    r"|baked|made|built|painted|wrote|read|watched"
    r"|attended|hosted|organized|organised|planted|adopted|found|fixed|repaired|signed"
    r"|ordered|received|joined|left|quit|launched"
    r"|published|performed|played|learned|learnt|tried|completed|spent|booked|picked"
    r"|crashed|hurt|injured|sprained|fell|slept|moved"
    r"|graduated|retired|applied|volunteered|donated|cleaned|renovated|returned|came"
    r"|brought|borrowed|lent|cancelled|canceled|missed"
    r"|caught|ate|drank|called|helped|taught|gave birth|died|arrived|caught|sent|recorded"
    r"|knitted|sewed|rode|sailed|skied|camped"
    r"|danced|sang|interviewed|hired|fired|proposed|dropped|forgot|stopped|switched"
    r"|changed|upgraded|replaced|installed|assembled"
    r"|harvested|picked up|set up|signed up|was (?:promoted|fired|born|robbed|ill"
    r"|sick|in hospital|operated|invited|accepted|rejected)"
    r"|were (?:in|on|at) )\b",
    re.IGNORECASE,
)
