"""What the people of a generated life say and ask: written by hand, a statement and its question in different words.

Braces are slots. The lines were not made from the patterns of extraction: much is said in passing, with the thing
itself as the subject, or in half a sentence, and some of it no rule reads.
"""

from dataclasses import dataclass

__all__ = ["ADVICE", "FAMILIES", "Change", "Collection", "Family", "Happening", "Taste"]


@dataclass(frozen=True, slots=True)
class Family:
    """Facts of one kind: `slots` are rows, one a fact; the last row is never told, and asked for all the same."""

    statements: tuple[str, ...]
    questions: tuple[str, ...]
    slots: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that has one value at a time: what is said when it becomes another, and asked of now and before."""

    first: tuple[str, ...]
    later: tuple[str, ...]
    now: tuple[str, ...]
    before: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """Things of one kind that come one at a time, in several talks, and are asked for together."""

    statements: tuple[str, ...]
    questions: tuple[str, ...]
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taste:
    """A liking, told once, and a wish for advice that it bears on."""

    statements: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened on a day: told soon after with `{when}`, asked for by what it was."""

    statement: str
    question: str


FAMILIES = (
    Family(
        (
            "In {0} we ended up eating at {1}, and the dumplings were unreal.",
            "dinner in {0} was a place called {1}, bit pricey but wow",
            "If you're ever in {0}, go to {1}. Best meal of the whole trip.",
        ),
        ("What was that restaurant we tried in {0}?", "Where did we have our meal in {0} again?"),
        (
            ("Ghent", "De Gouden Vork"),
            ("Porto", "Casa Aurora"),
            ("Leipzig", "Zum Wilden Mann"),
            ("Bologna", "Trattoria Nello"),
            ("Bilbao", "Txoko Berri"),
            ("Krakow", ""),
        ),
    ),
    Family(
        (
            "For {0} it'll be {1} this time, it's already wrapped and hidden.",
            "So {0} turns up next week and I finally found something, {1}.",
            "the present for {0} is sorted by the way, {1}",
        ),
        ("What did I get as a gift for {0}?", "What was my surprise for {0} going to be?"),
        (
            ("Aunt Rosa", "a brass telescope"),
            ("my nephew", "a magnet fishing kit"),
            ("Sabine", "hand-dyed wool"),
            ("my father-in-law", "a bread lame"),
            ("the twins", "walkie-talkies"),
            ("my godson", ""),
        ),
    ),
    Family(
        (
            "The {0} gave up on me and the repair guy wanted {1} euros.",
            "Had to pay {1} euros for the stupid {0} to work again.",
            "{1} euros! That's what it took to get the {0} going.",
        ),
        ("How expensive was it to fix the {0}?", "What was the bill for mending my {0}?"),
        (
            ("dishwasher", "one hundred and forty"),
            ("boiler", "three hundred and ten"),
            ("bicycle gears", "sixty-five"),
            ("laptop hinge", "ninety"),
            ("sewing machine", "forty-five"),
            ("tumble dryer", ""),
        ),
    ),
    Family(
        (
            "You know {0} from the office? Turns out there's {1} in the picture.",
            "Funny thing about {0} at work, {1}, who would've guessed.",
            "{0} at work told everybody at lunch about {1}.",
        ),
        ("Which of my colleagues has {1}?", "Who is it at work with {1}?"),
        (
            ("Henrik", "a roof full of beehives"),
            ("Priya", "a pilot licence for gliders"),
            ("Oksana", "a collection of antique maps"),
            ("Bram", "a sourdough starter from 1987"),
            ("Leila", "a twin in the opera chorus"),
            ("", "a pet tortoise"),
        ),
    ),
    Family(
        (
            "{0} dragged me to {1} and I cried through half of it.",
            "The cinema with {0} was lovely, {1} is so much better on a big screen.",
            "so me and {0} finally watched {1}",
        ),
        ("Which movie was it with {0}?", "What film did {0} and I go to?"),
        (
            ("Jonas", "Paper Lanterns"),
            ("Mireille", "The Salt Road"),
            ("Katja", "Nine Winters"),
            ("my landlord", "A Crooked House"),
            ("Samir", "Blue Meridian"),
            ("Annika", ""),
        ),
    ),
    Family(
        (
            "Left my {0} {1}, can you believe it.",
            "The {0} turned up, it had been {1} all along.",
            "After two days of searching, guess where my {0} was. It was {1}.",
        ),
        ("Where had my {0} got to?", "In what spot was the missing {0}?"),
        (
            ("reading glasses", "in the freezer drawer"),
            ("passport", "inside the guitar case"),
            ("spare keys", "under the wheelbarrow"),
            ("wedding ring", "in the flour jar"),
            ("headphones", "on the tram to the airport"),
            ("umbrella", ""),
        ),
    ),
    Family(
        (
            "The trick with my {0} is {1}, but don't tell anybody.",
            "what makes the {0} work is {1}, my grandmother swore by it",
            "I always put {1} in the {0}, nobody ever guesses.",
        ),
        ("What's the secret ingredient of my {0}?", "What is it that goes into my {0} that no one expects?"),
        (
            ("goulash", "a square of dark chocolate"),
            ("lentil soup", "a spoon of miso"),
            ("apple cake", "rosemary"),
            ("chili", "instant coffee"),
            ("pancakes", "sparkling water"),
            ("lasagne", ""),
        ),
    ),
    Family(
        (
            "Evening class number one done! {0}, at {1}.",
            "They put the {0} course at {1}, a bit far but the teacher's great.",
            "Thursdays are {0} now, over at {1}.",
        ),
        ("Where are my {0} lessons held?", "Which place do I go to for {0}?"),
        (
            ("life drawing", "the old fire station"),
            ("upholstery", "the canal warehouse"),
            ("salsa", "the parish hall"),
            ("sign language", "the deaf centre on Linden Street"),
            ("welding", "the makerspace"),
            ("calligraphy", ""),
        ),
    ),
    Family(
        (
            "The people on the {0} floor, they {1}, so the stairwell always smells of it.",
            "Met the ones from the {0} floor at last. They {1}.",
            "did you know the {0} floor lot {1}?",
        ),
        ("What do the neighbours on the {0} floor do?", "What's the story with the {0} floor people?"),
        (
            ("second", "roast their own coffee"),
            ("fourth", "restore church organs"),
            ("ground", "breed saltwater shrimp"),
            ("top", "run a perfume label"),
            ("third", ""),
        ),
    ),
    Family(
        (
            "At the {0} they sent me to Doctor {1}, who was very patient about it.",
            "Doctor {1} had a look at things at the {0} and says it's nothing.",
            "{0} today. Doctor {1}, lovely woman, all clear.",
        ),
        ("Who was the doctor at the {0}?", "Which physician saw me at the {0}?"),
        (
            ("eye clinic", "Lindqvist"),
            ("skin clinic", "Achterberg"),
            ("sleep lab", "Moretti"),
            ("knee specialist's", "Farouk"),
            ("travel vaccination centre", "Nakamura"),
            ("hearing centre", ""),
        ),
    ),
    Family(
        (
            "At {1} years old I managed to break my {0} on a trampoline.",
            "My {0} never healed straight, I was {1} when it snapped.",
            "the scar? broken {0}, aged {1}",
        ),
        ("How old was I the time my {0} got broken?", "At what age did I fracture the {0}?"),
        (
            ("collarbone", "eleven"),
            ("left wrist", "seven"),
            ("little toe", "nineteen"),
            ("nose", "fourteen"),
            ("ankle", ""),
        ),
    ),
    Family(
        (
            "Managed {1} kilometres along the {0} this morning, no stopping.",
            "{1} kilometres by the {0}! New shoes helped.",
            "The {0} path is gorgeous, did {1} kilometres without noticing.",
        ),
        ("What distance did I do beside the {0}?", "How far did I get on foot by the {0}?"),
        (
            ("Spree", "fourteen"),
            ("old railway line", "twenty-one"),
            ("Danube", "nine"),
            ("reservoir", "seventeen"),
            ("Elbe", ""),
        ),
    ),
    Family(
        (
            "{0} live at {1}, third row, my ears are still ringing.",
            "{1} was packed for {0}. Worth every cent.",
            "So {0} played {1} and somebody gave me a ticket!",
        ),
        ("At which venue did I hear {0}?", "Where was the gig by {0}?"),
        (
            ("Velvet Harbour", "the Paradiso"),
            ("The Tin Saints", "Mojo Cellar"),
            ("Low Orbit Choir", "the shipyard hall"),
            ("Marta Quill", "the botanical garden"),
            ("Glass Ponies", ""),
        ),
    ),
    Family(
        (
            "{1} is teaching me a bit of {0} in exchange for cake.",
            "Bits of {0} are sticking, thanks to {1}.",
            "my {0} comes entirely from {1}, so the accent is a disaster",
        ),
        ("Who's helping me with {0}?", "From whom am I picking up {0}?"),
        (
            ("Georgian", "the woman at the bakery"),
            ("Catalan", "my flatmate's uncle"),
            ("Finnish", "a retired sailor"),
            ("Swahili", "the night porter"),
            ("Basque", ""),
        ),
    ),
    Family(
        (
            "Every month {1} euros go into a jar for {0}.",
            "{1} a month set aside for {0}, that's the deal with myself.",
            "I've started a standing order, {1} euros monthly, all for {0}.",
        ),
        ("What amount am I setting aside monthly towards {0}?", "How much money goes to {0} each month?"),
        (
            ("a cargo bike", "eighty"),
            ("the sabbatical", "four hundred"),
            ("a telescope", "fifty-five"),
            ("new windows", "two hundred and twenty"),
            ("a kayak", ""),
        ),
    ),
    Family(
        (
            "The {0} lives {1} because it sulks anywhere else.",
            "Moved the {0}, it's {1} now and perking up.",
            "my {0} is finally happy, {1} of all places",
        ),
        ("What's the {0}'s spot in the flat?", "Where's the {0} standing?"),
        (
            ("fiddle-leaf fig", "next to the bathtub"),
            ("orchid", "on top of the fridge"),
            ("lemon tree", "out on the fire escape"),
            ("monstera", "behind the piano"),
            ("cactus", ""),
        ),
    ),
    Family(
        (
            "My {0} came over from {1} with one suitcase in the sixties.",
            "{1}, that's where my {0} started out before the war.",
            "half the family recipes are from {1} because of my {0}",
        ),
        ("Which country did my {0} emigrate from?", "What are my {0}'s roots?"),
        (
            ("great-aunt", "Armenia"),
            ("grandfather", "Malta"),
            ("step-grandmother", "Estonia"),
            ("great-grandmother", "Lebanon"),
            ("great-uncle", ""),
        ),
    ),
    Family(
        (
            "The {0} is second hand, by the way. {1}, they have everything.",
            "{1} had the perfect {0} and I had it on the tram ten minutes later.",
            "got lucky, {0} from {1}, barely used",
        ),
        ("In which shop did I come across the {0}?", "Where's my {0} from?"),
        (
            ("reading lamp", "Kringloop Zuid"),
            ("cello bow", "Maison Petit"),
            ("tent", "the army surplus on Dock Road"),
            ("espresso machine", "a flea market in Aachen"),
            ("velvet armchair", ""),
        ),
    ),
)

ADVICE = (
    Family(
        ("With {0} I'd open a {1}, slightly chilled.", "A {1} stands up well to {0}."),
        ("Which wine did you say goes with {0}?", "What did you suggest drinking with {0}?"),
        (
            ("mushroom risotto", "Barbera"),
            ("smoked mackerel", "dry Riesling"),
            ("duck", "Pinot Noir from Baden"),
            ("blue cheese", "Sauternes"),
            ("tofu satay", "off-dry Gewürztraminer"),
            ("oysters", ""),
        ),
    ),
    Family(
        (
            "There is a podcast called {1} that covers {0} well.",
            "For {0}, try {1}; the second season is the good one.",
        ),
        ("What was the podcast about {0} that you told me of?", "Which show did you recommend on {0}?"),
        (
            ("bridge engineering", "Span and Strain"),
            ("Byzantine history", "Purple Born"),
            ("beekeeping", "The Smoker"),
            ("sleep research", "Slow Waves"),
            ("chess openings", "Knight Shift"),
            ("mycology", ""),
        ),
    ),
    Family(
        (
            "Against {0} a {1} held for thirty seconds may help.",
            "People with {0} often do well with a {1} twice a day.",
        ),
        ("What exercise did you tell me to try for {0}?", "Which stretch was it against {0}?"),
        (
            ("lower back pain", "child's pose"),
            ("a stiff neck", "chin tuck"),
            ("tight hips", "pigeon stretch"),
            ("runner's knee", "step-down"),
            ("tennis elbow", ""),
        ),
    ),
    Family(
        ("To get {0} out, use {1} before it dries.", "{1} takes {0} out of most fabrics."),
        ("How did you say I could remove {0}?", "What was your tip against {0}?"),
        (
            ("red wine stains", "salt and soda water"),
            ("candle wax", "brown paper and an iron"),
            ("grass stains", "white vinegar"),
            ("ink", "rubbing alcohol"),
            ("turmeric", ""),
        ),
    ),
    Family(
        (
            "Near {0} the loop over {1} is the prettiest walk.",
            "From {0} you could walk up to {1} and be back by noon.",
        ),
        ("What hike did you propose around {0}?", "Which walk close to {0} did you mention?"),
        (
            ("Innsbruck", "the Nordkette ridge"),
            ("Bergen", "Mount Fløyen"),
            ("Zermatt", "the Five Lakes trail"),
            ("Funchal", "the Levada do Rei"),
            ("Chamonix", ""),
        ),
    ),
    Family(
        ('Your talk on {0} might be called "{1}".', 'How about "{1}" as a title for {0}?'),
        ("What title did you come up with for {0}?", "What name did you propose for my piece on {0}?"),
        (
            ("urban beavers", "Dam Nation"),
            ("tax reform", "Taking the Interest Out"),
            ("slow cooking", "Low and Behold"),
            ("map making", "Lost, Precisely"),
            ("night trains", ""),
        ),
    ),
)
