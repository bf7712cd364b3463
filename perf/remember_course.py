"""What changes in a generated life, what comes one at a time, what happens on a day, what is confided, and chatter."""

from perf.remember_lines import Change, Collection, Happening, Taste

__all__ = ["CHANGES", "CHATTER", "COLLECTIONS", "CONFIDENCES", "EPISODES", "REPLIES", "TASTES"]

CHANGES = (
    Change(
        (
            "So my flat's in {0}, right above a pharmacy.",
            "Well, home is {0} at the moment, for better or worse.",
        ),
        (
            "The boxes are finally unpacked in {0}, what a move.",
            "New city, new me! I wake up in {0} now.",
            "I moved from {1} to {0} last week, my back hurts.",
            "as of Monday my address is in {0} instead of {1}",
        ),
        ("Which city am I living in these days?", "What town is my apartment in now?"),
        ("In which city was I living before {0}?", "Where was home until I left for {0}?"),
        ("Utrecht", "Antwerp", "Cologne", "Lisbon"),
    ),
    Change(
        ("I do the books for {0}, third year now.", "{0} pays my rent, I'm in their planning team."),
        (
            "I quit {1}, and from now on it's {0}.",
            "First day at {0} today, everyone's so young!",
            "{0} made me an offer I couldn't refuse, so bye bye {1}.",
            "I handed in my notice at {1} and started at {0}",
        ),
        ("Who is my current employer?", "Which company do I work for at present?"),
        ("Who employed me before {0}?", "What firm was I with prior to {0}?"),
        ("Halden Logistics", "Brightwater", "Kessler and Sons", "the city archive"),
    ),
    Change(
        ("In the mornings it's {0} for me, always.", "My drink? {0}. Nothing else before nine."),
        (
            "I've switched from {1} to {0}, my stomach is grateful.",
            "No more {1} in the mornings, these days it's {0}.",
            "honestly {0} beats {1} by miles, I'm converted",
        ),
        ("What do I drink first thing in the day now?", "Which morning beverage am I on at the moment?"),
        ("What did I have in the mornings before {0}?", "Which drink was my habit before I took to {0}?"),
        ("black coffee", "jasmine tea", "hot cocoa", "yerba mate"),
    ),
    Change(
        ("My trainer at the gym is {0}, absolute sadist.", "Got a personal trainer now, {0}, ex-rower."),
        ("{1} has left the gym, so {0} is torturing me instead.", "New trainer! {0}. Much nicer than {1}."),
        ("Who coaches me at the gym now?", "What is my present trainer's name?"),
        ("Who was my coach before {0}?", "Which trainer did I have before {0} came?"),
        ("Marek", "Dolores", "Big Steve"),
    ),
    Change(
        ("Best time over five kilometres so far: {0}.", "I ran the five K in {0}, for me that's huge."),
        ("New personal best! {0} for five kilometres.", "Shaved it down to {0} over five K, from {1}."),
        ("What is my record on the five kilometres as of now?", "How fast is my quickest five K?"),
        ("What was my record before I ran {0}?", "Which personal best did I beat with {0}?"),
        ("thirty-one minutes", "twenty-eight forty", "twenty-six ten"),
    ),
    Change(
        ("I get around in {0}, it's older than me.", "My car's {0}, don't laugh."),
        (
            "Sold {1} and picked up {0} from a widow in the suburbs.",
            "{1} died on the motorway so now I have {0}.",
        ),
        ("What vehicle do I own at the moment?", "Which car am I driving around in now?"),
        ("What car did I have before {0}?", "Which vehicle came before {0}?"),
        ("a rusty Saab", "a yellow Fiat Panda", "an electric Renault"),
    ),
    Change(
        ("On the nightstand right now: {0}.", "Currently deep into {0}, no spoilers please."),
        ("Finished {1}, started {0} the same night.", "{1} bored me in the end, so it's {0} now."),
        ("What am I reading at present?", "Which book is on my nightstand nowadays?"),
        ("What was I reading before {0}?", "Which book came before {0}?"),
        ("The Glass Orchard", "A History of Fog", "Seven Small Wars", "Letters to Nobody"),
    ),
    Change(
        ("I am a strict vegetarian, as you know.", "I've gone {0}, day one."),
        ("I've decided to go {0}, {1} wasn't quite it.", "From {1} to {0}, my mother is in despair."),
        ("What sort of diet do I follow today?", "How do I eat these days?"),
        ("What diet did I follow before I went {0}?", "How did I eat before turning {0}?"),
        ("vegetarian", "vegan", "pescatarian"),
    ),
    Change(
        ("Book club meets on {0}s at mine.", "We've settled on {0} for the book club."),
        (
            "Book club has been moved from {1} to {0}.",
            "Nobody could do {1}s any more, so the book club is on {0}s.",
        ),
        (
            "On which weekday is the book club now?",
            "What day does the reading group get together at present?",
        ),
        (
            "On what day was the book club before it became {0}?",
            "Which weekday did the reading group have before {0}?",
        ),
        ("Tuesday", "Thursday", "Sunday"),
    ),
    Change(
        ("I share the flat with {0}, who never does the dishes.", "My flatmate is {0}, did I say?"),
        ("{1} moved out and {0} took the room.", "Big change at home, {0} has {1}'s old room now."),
        ("Who shares my apartment currently?", "What's the name of the person I live with now?"),
        ("Who lived with me before {0}?", "Whose room did {0} take over?"),
        ("Ruben", "Ingrid", "Teo"),
    ),
    Change(
        (
            "My phone number ends in {0}, for the delivery people.",
            "Note for later: last digits of my mobile, {0}.",
        ),
        (
            "Had to change my mobile number, it ends with {0} now, not {1}.",
            "New SIM, last digits {0}. Forget {1}.",
        ),
        ("What are the last digits of my mobile number?", "How does my phone number end these days?"),
        ("What did my number end in before {0}?", "Which digits did my mobile end with before {0}?"),
        ("forty-one", "seventy-seven", "oh-nine"),
    ),
    Change(
        ("I've got {0} hens in the garden right now.", "There are {0} hens out back, all named."),
        ("The fox came. Down from {1} hens to {0}.", "We're at {0} hens now, it was {1}."),
        ("How many hens do I keep at present?", "What's the head count of my chickens?"),
        (
            "How many chickens had I before there were {0}?",
            "What was the number of hens before it became {0}?",
        ),
        ("nine", "six", "eleven"),
    ),
)

COLLECTIONS = (
    Collection(
        (
            "Couldn't resist, came home with {0} from the nursery.",
            "{0} has joined the jungle in my living room.",
            "new green baby, {0}",
        ),
        (
            "Which plants have I added to my collection over the year?",
            "How many houseplants did I bring home altogether?",
        ),
        ("a string of pearls", "a peace lily", "a rubber tree", "a prayer plant"),
    ),
    Collection(
        (
            "Went round {0} with the audio guide, my feet!",
            "{0} was free on Sunday so I spent three hours there.",
            "{0} has a new wing, it's stunning",
        ),
        ("Which museums have I been to?", "How many galleries and museums did I see this year?"),
        ("the Textile Museum", "the Museum of Clocks", "the Maritime Museum", "the Museum of Optics"),
    ),
    Collection(
        (
            "Sold {0} online, the buyer came in a van.",
            "{0} is gone, a student paid cash for it.",
            "finally got rid of {0}, forty euros in my pocket",
        ),
        ("What belongings have I sold?", "How many of my things did I sell?"),
        ("the exercise bike", "my old drum kit", "the bunk bed", "the record player"),
    ),
    Collection(
        (
            "{0} had her baby, a girl, everyone's fine.",
            "It's a boy at {0}'s, four kilos!",
            "{0} is a mum as of last night",
        ),
        ("Which of my friends became mothers?", "Who among my friends gave birth this year?"),
        ("Carmen", "Wiebke", "Thandi"),
    ),
    Collection(
        (
            "We played {0} till two in the morning.",
            "{0} is the best board game I've tried in ages.",
            "lost at {0} again, badly",
        ),
        ("What board games did we play?", "How many different tabletop games have I tried?"),
        ("Harbour Masters", "Moon Colony", "Goblin Market", "Trains of Europe"),
    ),
    Collection(
        (
            "Finished the {0} race, medal and banana included.",
            "The {0} run is done, I was not last.",
            "{0} race in the rain, never again",
        ),
        ("Which races have I completed?", "In how many running events did I take part?"),
        ("Tulip", "Harbour Bridge", "Midnight Sun", "Castle Hill"),
    ),
    Collection(
        (
            "Fixed {0} all by myself with a video.",
            "{0} is repaired, I'm basically a carpenter.",
            "guess who put {0} right, yours truly",
        ),
        ("What have I repaired around the house?", "Which jobs around the house did I do myself?"),
        ("the squeaky stairs", "the garden gate", "the bathroom fan", "the kitchen drawer"),
    ),
    Collection(
        (
            "Gave up on {0} after an hour, so slow.",
            "Switched off {0} halfway, sorry to the director.",
            "{0} is unwatchable, I left",
        ),
        ("Which films did I not see to the end?", "What movies have I abandoned?"),
        ("The Long Corridor", "Planet of Rain", "My Cousin the Duke"),
    ),
    Collection(
        (
            "{0} stayed with us over the weekend, full house.",
            "Had {0} on the sofa bed for two nights.",
            "{0} was visiting, we hardly slept",
        ),
        ("Who has come to stay with me?", "Which guests have slept at my place?"),
        ("my old maths teacher", "cousin Bartek", "the Hendersons", "Yuki from Osaka"),
    ),
    Collection(
        (
            "Tried making {0} from scratch, edible at least.",
            "{0} for supper, first attempt ever, not bad.",
            "homemade {0}, who'd have thought",
        ),
        ("What dishes have I cooked for the first time?", "Which new recipes did I try out?"),
        ("pierogi", "ramen", "tagine", "sauerbraten"),
    ),
)

TASTES = (
    Taste(
        ("Aisle seat or I don't fly, my legs need it.", "On planes I need to sit on the aisle, always have."),
        ("Which seat should I book for my flight?", "I'm picking a place on the plane, any thoughts?"),
    ),
    Taste(
        (
            "Cilantro tastes like soap to me, I pick it out of everything.",
            "Coriander leaves are my enemy, they taste of soap.",
        ),
        (
            "I'm ordering tacos, what should I ask them to leave out?",
            "Anything I should avoid in this Mexican recipe?",
        ),
    ),
    Taste(
        (
            "I can only concentrate with film music in the background.",
            "For work I put on soundtracks, no lyrics or I'm lost.",
        ),
        ("What could I listen to while I write this report?", "Suggest some music for a day of deep work."),
    ),
    Taste(
        (
            "Give me a tiny family-run guesthouse over a big hotel any day.",
            "Big hotels depress me, little guesthouses are my thing.",
        ),
        ("Where should I stay on my next trip?", "Find me some accommodation for the holidays."),
    ),
    Taste(
        (
            "Horror is not for me, I slept with the light on for a week.",
            "After that horror thing I couldn't sleep, never again.",
        ),
        ("What should we watch tonight?", "Recommend a film for the evening."),
    ),
    Taste(
        ("Silver looks right on me, gold never does.", "I only wear silver, gold makes me look ill."),
        ("Which earrings would suit me?", "Help me choose some jewellery."),
    ),
    Taste(
        (
            "Rooms have to be cold for me to sleep, sixteen degrees, window open.",
            "I sleep like a log if the bedroom's freezing.",
        ),
        ("What temperature should I set the bedroom to?", "How should I set up the room for a good night?"),
    ),
    Taste(
        (
            "Surprise parties are my nightmare, please never.",
            "If anyone throws me a surprise party I'm leaving.",
        ),
        ("How should my friends celebrate my birthday?", "Ideas for my fortieth?"),
    ),
    Taste(
        (
            "Mountains over beaches, every single time.",
            "The sea bores me after a day, it has to be mountains.",
        ),
        ("Where could I go in August?", "Plan a holiday for me."),
    ),
    Taste(
        (
            "I take notes by hand, typing makes me forget.",
            "Only a fountain pen and paper, screens don't stick in my head.",
        ),
        ("How should I prepare for the exam?", "What's a good way for me to keep track of lectures?"),
    ),
    Taste(
        (
            "Spicy food, the hotter the better, bring it on.",
            "Nothing is too hot for me, I put chilli on eggs.",
        ),
        ("What curry should I order?", "How spicy should I ask the cook to make it?"),
    ),
    Taste(
        ("Phone calls make me anxious, I'd rather text.", "I let calls ring out, writing's so much easier."),
        ("What's the best way to reach out to the landlord?", "How should I contact the clinic?"),
    ),
    Taste(
        ("I'm useless before ten, mornings just don't happen.", "Nothing clever comes out of me before ten."),
        ("When should I schedule the job talk?", "What time would be good for the meeting about my thesis?"),
    ),
    Taste(
        (
            "Perfume gives me headaches, even the nice ones.",
            "I can't be around scented candles, instant migraine.",
        ),
        ("What could you put in a gift basket for me?", "Which soap should I buy?"),
    ),
    Taste(
        ("I like my trains slow and my windows big.", "Flying's quick but I'd take a slow train any time."),
        ("How should I travel to Vienna?", "What's a nice way to get to the conference?"),
    ),
    Taste(
        ("Crowds wear me out, three people is a party.", "More than four people and I hide in the kitchen."),
        ("How many guests should I invite?", "What kind of evening should I plan for Saturday?"),
    ),
    Taste(
        ("Dark chocolate only, eighty percent and up.", "Milk chocolate is candy, it has to be dark for me."),
        ("What sweets should I treat myself to?", "Which dessert would I enjoy?"),
    ),
    Taste(
        ("I dress in blue, head to toe, always.", "My wardrobe is blue. All of it."),
        ("What colour should the new coat be?", "Pick me a scarf."),
    ),
)

EPISODES = (
    Happening(
        "The roof started leaking {when}, buckets everywhere.",
        "When was it that water came through the ceiling?",
    ),
    Happening("I dislocated my shoulder {when} playing handball.", "When did I hurt my shoulder?"),
    Happening(
        "{when} we buried my great-aunt's dog under the pear tree.", "When was the funeral for the dog?"
    ),
    Happening("My visa came through {when}!", "On what date did my visa get approved?"),
    Happening("{when} the whole street had no power for nine hours.", "When did we have the blackout?"),
    Happening("I got stung by a jellyfish {when}, still itches.", "When did the jellyfish get me?"),
    Happening(
        "The choir sang in the cathedral {when} and I had a solo.", "When was my solo in the cathedral?"
    ),
    Happening("{when} somebody stole my bicycle from the station.", "On which day did my bike vanish?"),
    Happening(
        "I found a wallet with a thousand euros {when} and handed it in.",
        "When did I come across all that cash?",
    ),
    Happening("We adopted a greyhound {when}, she's called Comet.", "When did Comet come to us?"),
    Happening("{when} I was stuck in a lift with the mayor.", "When was I trapped with the mayor?"),
    Happening("My exhibition opened {when}, forty people came.", "When did my show of pictures start?"),
    Happening("I donated blood {when} and nearly fainted.", "When did I give blood?"),
    Happening("{when} the washing machine flooded the downstairs flat.", "When did I flood the neighbours?"),
    Happening("I won the office chess tournament {when}.", "When was I the champion at chess?"),
    Happening("Saw a moose {when}, right by the road.", "When did I spot the moose?"),
    Happening("{when} my grandmother turned ninety and danced on a table.", "When was grandma's big party?"),
    Happening("The wisdom tooth came out {when}, I look like a hamster.", "When was my tooth pulled?"),
    Happening(
        "I missed the ferry {when} and slept in the harbour.", "When did I spend the night at the port?"
    ),
    Happening(
        "{when} I planted forty tulip bulbs with the kids next door.", "When did the bulbs go in the ground?"
    ),
    Happening(
        "The car failed its inspection {when}, brakes.", "When was the vehicle rejected at the test centre?"
    ),
    Happening("I shaved my head for charity {when}.", "When did my hair come off?"),
    Happening(
        "{when} there was a swan in our courtyard, no idea how.", "When did we have that swan visiting?"
    ),
    Happening("My poem got printed in the newspaper {when}.", "When were my verses in the paper?"),
    Happening("I ran into my first boyfriend {when}, awkward.", "When did I bump into my ex from school?"),
    Happening("{when} we had the kitchen painted green.", "When did the kitchen get its new colour?"),
    Happening("I testified in court {when}, the neighbour case.", "When was I a witness?"),
    Happening("The bees swarmed {when}, the street was closed.", "When did the swarm happen?"),
    Happening("{when} I got my pottery back from the kiln, two cracked.", "When did my clay pots come out?"),
    Happening("I learned to ride a unicycle {when}, sort of.", "When did I get the hang of one wheel?"),
)

CONFIDENCES = (
    ("I've been seeing a counsellor since the divorce.", "Am I in any kind of therapy?"),
    (
        "Between us, I'm going to leave the choir, I can't stand the conductor.",
        "What are my plans with the choir?",
    ),
    ("I owe my brother six thousand euros, nobody knows.", "Do I have debts with family?"),
    ("Please keep this quiet, I've applied for a job in Oslo.", "Am I looking for work abroad?"),
    ("I had a miscarriage in the spring, I haven't told anyone.", "What sad thing happened to me in spring?"),
    ("The truth is I failed the bar exam twice.", "How did my legal examination go?"),
    ("I'm planning to propose at the lighthouse in June.", "Where do I intend to propose?"),
    ("My hearing's going, the left ear mostly, I'm hiding it.", "Is something the matter with my ears?"),
    (
        "I don't like the flat at all, I only took it to please him.",
        "What do I really think of the apartment?",
    ),
    ("I voted against the new boss, that stays here.", "How did I vote about the boss?"),
    ("I've been sending money to my ex's mother.", "To whom have I been sending money?"),
    (
        "There was a panic attack on the tram, my third this month.",
        "What happened to me on public transport?",
    ),
)

CHATTER = (
    "It's been raining since {0}, I can hear it on the window.",
    "I had {1} for lunch and now I'm sleepy.",
    "The tram was late again, of course.",
    "What's the weather doing in {2}?",
    "Do you think {3} will call back?",
    "{3} said it'd be fine, but I doubt it.",
    "I keep forgetting where I put things.",
    "Somebody at the market was selling {1}, it smelled amazing.",
    "I wonder whether {2} is worth the trip in winter.",
    "My head's full today, sorry.",
    "That documentary about {2} was on again.",
    "I should drink more water, everyone says so.",
    "How do people get up at five?",
    "{3} told a joke about a horse, I forgot the ending.",
    "Tell me something nice.",
    "If I had a garden I'd grow {1}.",
    "They say {2} is full of tourists now.",
    "Apparently {3} is thinking of a boat.",
    "The meeting went on for ever, nobody decided anything.",
    "I might watch something later, or just sleep.",
    "Is it me or is it cold in here?",
    "There was a queue for {1} round the block.",
    "You know what, let's talk about something else.",
    "Yeah, exactly.",
    "Hmm, good point.",
    "Okay, thanks!",
    "{3} wants to learn how to make {1}.",
    "Someone on the radio was talking about restaurants in {2}.",
    "I walked past a shop with a telescope in the window.",
    "A colleague was complaining about the boiler at the office.",
    "They were giving away concert tickets at the station.",
    "I can't decide what to cook.",
    "The neighbours were loud again, some kind of party.",
    "I dreamed I lived in {2}, in a tower.",
    "{3} thinks I should move to {2}, as if.",
    "My mother would love {2}.",
    "Everyone's reading the same book on the train.",
    "The doctor on television was talking nonsense.",
    "I'm a bit tired of {1}, to be fair.",
    "If the train's on time tomorrow I'll be surprised.",
)

REPLIES = (
    "That sounds lovely.",
    "Oh no, I'm sorry to hear that.",
    "How did that make you feel?",
    "I can imagine.",
    "Good for you!",
    "What happened then?",
    "Would you do it again?",
    "That is quite a story.",
    "I'd take it one step at a time.",
    "Tell me more about it.",
    "Who was with you?",
    "I hope it works out.",
    "Some people swear by {1} for that.",
    "I hear {2} is nice at this time of the year.",
)
