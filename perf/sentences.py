"""Short sentences as people say them of themselves, distinct, by seed."""

import numpy as np

__all__ = ["sentences"]

_WHO = """Ada Bo Cleo Dmitri Elif Farid Greta Hana Ivo Jun Kofi Lena Mateo Nadia Omar Priya Quentin Rosa Sven Tove Uma
Viktor Wanda Ximena Yusuf Zoe""".split()
_KIN = "sister brother mother father daughter son neighbour boss colleague landlord cousin doctor".split()
_WHERE = """Rome Oslo Lisbon Kyoto Nairobi Quito Hanoi Graz Bergen Porto Malmo Tunis Leeds Turin Ghent Basel Cork Split
Lviv Izmir""".split()
_WORK = """nurse baker welder pilot gardener teacher plumber translator dentist carpenter librarian chemist surveyor
tailor beekeeper potter""".split()
_THING = """violin bicycle kitchen greenhouse camera boat novel garden motorbike telescope piano sourdough chessboard
loom kayak tent""".split()
_PET = "cat dog parrot rabbit tortoise goat hamster pony".split()
_CALLED = "Luna Otis Pepper Juno Biscuit Moss Ziggy Hazel Tofu Wren".split()
_DISH = """lentil soup; rye bread; fried rice; fish stew; plum cake; goat cheese; black coffee; green tea;
dark chocolate; pickled beets""".replace("\n", " ").split("; ")
_WHEN = """on Monday; next week; last spring; before the summer; in October; since the move; every morning; after the
operation; at the weekend; when the children were small""".replace("\n", " ").split("; ")
_FEEL = (
    "loves; cannot stand; is afraid of; is proud of; is tired of; misses; never mentions; jokes about".split(
        "; "
    )
)
_TURNS = (
    "{who} lives in {where} with {kin} {when}.",
    "{who} started a new job as a {work} in {where} {when}.",
    "The {pet} of {who} is called {called} and {feel} {dish}.",
    "{who} {feel} the old {thing} that {kin} bought {when}.",
    "{who} wants to finish the {thing} {when}, before {other} comes to {where}.",
    "{kin} of {who} is a {work} and {feel} {where}.",
    "{who} and {other} met in {where} {when} over {dish}.",
    "{who} asked {other} for help with the {thing} {when}.",
    "{who} gave up {dish} {when} because of the {work}.",
    "{who} lost the keys of the {thing} in {where}, and {other} found them {when}.",
)


def sentences(count: int, seed: int) -> list[str]:
    """Sentences of 6 to 16 words.

    Args:
        count: how many, all different.
        seed: the same gives the same.
    """
    rng = np.random.default_rng(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        who, other = rng.choice(_WHO, 2, replace=False)
        parts = {
            "kin": "the " + rng.choice(_KIN),
            "where": rng.choice(_WHERE),
            "work": rng.choice(_WORK),
            "thing": rng.choice(_THING),
            "pet": rng.choice(_PET),
            "called": rng.choice(_CALLED),
            "dish": rng.choice(_DISH),
            "when": rng.choice(_WHEN),
            "feel": rng.choice(_FEEL),
        }
        made[str(rng.choice(_TURNS)).format(who=who, other=other, **parts)] = None
    return list(made)
