"""What the speakers of `perf.turns` say: a bar marks where a speaker may pause without having finished.

Two halves that share no sentence: coefficients are fitted to one, figures come from the other. A third of the turns
have no place to pause; the others have one between sentences, between clauses, in the middle of a clause, behind a
hesitation, in a list, or between the groups of a number.
"""

from dataclasses import dataclass

__all__ = ["HELD_OUT", "TUNE", "Script"]


@dataclass(frozen=True, slots=True)
class Script:
    """One turn.

    Attributes:
        text: the words, with bars where a pause may be.
        asked: what a persona asked before it, or nothing.
    """

    text: str
    asked: str = ""


TUNE: tuple[Script, ...] = (
    Script("What is the weather usually like in London in November?"),
    Script("Can you tell me how to make a good cup of tea?"),
    Script("I would like to learn how to play the piano."),
    Script("Who wrote that book about the old man and the sea?"),
    Script("My sister is coming to visit us on Saturday."),
    Script("Please remind me to call the dentist."),
    Script("How long does it take to boil an egg?"),
    Script("That was a really good meal."),
    Script("Could you say that again?"),
    Script("We are thinking of painting the kitchen yellow."),
    Script("Tell me something about the moon."),
    Script("I don't think that is a good idea."),
    Script("Where did you put it?"),
    Script("Is there anything else that I should know?"),
    Script("I was thinking about my holiday and | I wonder where I should go this summer."),
    Script("I was looking for the | blue one that we had last year."),
    Script("So, um, | what do you think about | moving the meeting to Friday?"),
    Script("I went to the market but | they had already closed."),
    Script("Could you tell me, uh, | when the next train leaves?"),
    Script("My brother works for a | small company in the north."),
    Script("I would like to | book a table for four people."),
    Script("We met her at the | station, I think, | on a Sunday morning."),
    Script("The thing is that | nobody knows how to | repair the roof."),
    Script("I need to ask you about, um, | the report from last week."),
    Script("I think it is | really a question of time."),
    Script("If it does not rain tomorrow, | do you think we could have a picnic?"),
    Script("I like living here | because everything is so close."),
    Script("When my daughter comes home from school, | she always wants to eat at once."),
    Script("You can take the bus, | which stops right in front of the house."),
    Script("I will ask him about it | when I see him tonight."),
    Script("She said that she would help us, | although she has no time."),
    Script("We could start at nine | or we could wait for the others."),
    Script("I have a little dog. | He barks all night long. | What can I do about it?"),
    Script("I bought a new bicycle last week. | How often should I clean the chain?"),
    Script("We were in Portugal in May. | It was wonderful."),
    Script("That sounds good. | Let's do it on Tuesday then."),
    Script("I tried the soup. | It needs more salt."),
    Script("I need eggs, | milk, | flour, | and a little butter."),
    Script("There were Anna, | Peter, | and the two boys from next door."),
    Script("You have to turn left, | then right, | and then go straight on."),
    Script(
        "It is zero seven nine, | four four one, | two six eight.", asked="What is your telephone number?"
    ),
    Script("The code is four two, | seven seven, | nine one.", asked="Could you give me the code?"),
    Script("My number is five five five, | three one, | eight six.", asked="Which number shall I call?"),
    Script("Yes.", asked="Do you live in London?"),
    Script("No, not really.", asked="Have you been there before?"),
    Script("Yes, please.", asked="Shall I tell you more about it?"),
    Script("I think so.", asked="Are you coming tomorrow?"),
    Script("Yes, | but only since last year.", asked="Do you work from home?"),
    Script("No, | I would rather wait until Monday.", asked="Do you want to start today?"),
    Script("Well, | it depends on the price.", asked="Would you buy it?"),
    Script("Blue.", asked="What is your favourite colour?"),
    Script("About two hours ago.", asked="When did you arrive?"),
)

HELD_OUT: tuple[Script, ...] = (
    Script("What is the capital city of Australia?"),
    Script("How do I get a red wine stain out of a white shirt?"),
    Script("I have to leave in half an hour."),
    Script("Could you recommend a good book for a long journey?"),
    Script("The children are playing in the garden."),
    Script("Why is the sky blue during the day?"),
    Script("Please turn the volume down a little."),
    Script("Which is heavier, gold or iron?"),
    Script("I have never heard of that."),
    Script("You were right about the traffic."),
    Script("Do you remember what she was talking about?"),
    Script("What should I cook for dinner tonight?"),
    Script("I would love to come with you."),
    Script("Can you help me with this?"),
    Script("My neighbour has a boat and | he takes it out every weekend."),
    Script("Do you happen to know the | name of that restaurant by the river?"),
    Script("Well, um, | I was hoping that | you could explain it to me."),
    Script("We wanted to go swimming but | the water was far too cold."),
    Script("She is, uh, | the head of the whole department."),
    Script("I left my keys in the | drawer of the kitchen table."),
    Script("He is going to | sell his car next month."),
    Script("They moved to a | very quiet village in the mountains."),
    Script("The problem with | this machine is that it | never starts in the morning."),
    Script("I wanted to talk about, um, | the plans for next year."),
    Script("It would be nice if | somebody could water the plants."),
    Script("If you have a minute, | could you look at this picture?"),
    Script("I cannot come on Thursday | because I have to work."),
    Script("After we had finished the first part, | we went for a long walk."),
    Script("There is a small museum, | which is open on Sundays as well."),
    Script("We can talk about the details | while we are having lunch."),
    Script("He never answered my letter, | even though I wrote it twice."),
    Script("You can pay in cash | or you can use your card."),
    Script("My computer is very slow. | I have restarted it twice. | Do you have any idea why?"),
    Script("I planted some tomatoes in April. | Why are the leaves turning yellow?"),
    Script("My parents live by the sea. | We visit them every summer."),
    Script("I see what you mean. | Maybe we should ask the others."),
    Script("The first train leaves at six. | That is too early for me."),
    Script("I packed a towel, | a book, | some sandwiches, | and two bottles of water."),
    Script("We have offices in Berlin, | Madrid, | and a new one in Oslo."),
    Script("First you cut the onions, | then the carrots, | and then you fry everything."),
    Script(
        "It is zero four one, | seven three five, | nine nine two.", asked="What number can I reach you at?"
    ),
    Script("It starts with eight eight, | one six, | four three.", asked="Could you read me the number?"),
    Script("The order number is two nine, | zero five, | seven one.", asked="Do you have an order number?"),
    Script("No.", asked="Did you sleep well?"),
    Script("Yes, I do.", asked="Do you like it here?"),
    Script("Sure, why not.", asked="Would you like to try it?"),
    Script("Not yet.", asked="Have you finished the book?"),
    Script("Yes, | although it took me a while.", asked="Did you find the house?"),
    Script("No, | I think we should ask her first.", asked="Shall we tell everybody now?"),
    Script("Maybe, | if the weather is good.", asked="Are you going to the beach?"),
    Script("Two sugars, please.", asked="How do you take your coffee?"),
    Script("In the evening.", asked="When do you usually run?"),
)
