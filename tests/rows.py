"""Rows of every task in its data set's own columns, written for the tests: six to index, then two to ask.

Of the held-out tasks there are only rows to ask.
"""

from __future__ import annotations

from typing import Any

INDEXED = 6

Row = dict[str, Any]


def _keyed(key: str, question: str, options: str, answer: str) -> Row:
    texts = options.split(", ")
    return {key: question, "choices": {"text": texts, "label": list("ABCDE"[: len(texts)])}, "answerKey": answer}


def _commonsense(question: str, options: str, answer: str) -> Row:
    return _keyed("question", question, options, answer)


def _openbook(question: str, options: str, answer: str) -> Row:
    return _keyed("question_stem", question, options, answer)


def _piqa(goal: str, sol1: str, sol2: str, label: int) -> Row:
    return {"goal": goal, "sol1": sol1, "sol2": sol2, "label": label}


def _copa(premise: str, question: str, choice1: str, choice2: str, label: int) -> Row:
    return {"premise": premise, "question": question, "choice1": choice1, "choice2": choice2, "label": label}


def _cosmos(context: str, question: str, *answers: str, label: int) -> Row:
    return {
        "context": context,
        "question": question,
        **{f"answer{n}": a for n, a in enumerate(answers)},
        "label": label,
    }


def _hellaswag(activity: str, ctx: str, *endings: str, label: int) -> Row:
    return {"activity_label": activity, "ctx": ctx, "endings": list(endings), "label": label}


def _story(story: str, first: str, second: str, right: int) -> Row:
    sentences = [sentence.rstrip(".") + "." for sentence in story.split(". ")]
    told = {f"input_sentence_{number}": sentence for number, sentence in enumerate(sentences, start=1)}
    return {**told, "sentence_quiz1": first, "sentence_quiz2": second, "answer_right_ending": right}


def _squad(context: str, question: str, answer: str) -> Row:
    return {
        "context": context,
        "question": question,
        "answers": {"text": [answer], "answer_start": [context.index(answer)]},
    }


def _boolq(passage: str, question: str, label: int) -> Row:
    return {"passage": passage, "question": question, "label": label}


def _multirc(paragraph: str, question: str, answer: str, label: int) -> Row:
    return {"paragraph": paragraph, "question": question, "answer": answer, "label": label}


def _record(passage: str, query: str, entities: str, answer: str) -> Row:
    return {"passage": passage, "query": query, "entities": entities.split(", "), "answers": [answer]}


def _nli(premise: str, hypothesis: str, label: int) -> Row:
    return {"premise": premise, "hypothesis": hypothesis, "label": label}


def _pair(sentence1: str, sentence2: str, label: int) -> Row:
    return {"sentence1": sentence1, "sentence2": sentence2, "label": label}


def _questions(question1: str, question2: str, label: int) -> Row:
    return {"question1": question1, "question2": question2, "label": label}


def _phrase(sentence: str, label: int) -> Row:
    return {"sentence": sentence, "label": label}


def _review(text: str, label: int) -> Row:
    return {"text": text, "label": label}


def _wic(word: str, sentence1: str, sentence2: str, label: int) -> Row:
    return {"word": word, "sentence1": sentence1, "sentence2": sentence2, "label": label}


ROWS: dict[str, tuple[Row, ...]] = {
    "commonsense_qa": (
        _commonsense("Where would you buy a fresh loaf of bread?", "bakery, attic, pond, library, tunnel", "A"),
        _commonsense("What do people carry when it looks like rain?", "a ladder, an umbrella, a candle, a rope", "B"),
        _commonsense("Where is a spare tyre usually kept?", "fridge, garden, car boot, wallet, theatre", "C"),
        _commonsense("Where can I buy a football?", "a sports store, a pharmacy, a bank, a bus stop", "A"),
        _commonsense("What might a tired child want in the evening?", "a race, a meeting, an exam, a bed", "D"),
        _commonsense("Where do you put a dirty shirt?", "oven, laundry basket, bookshelf, mailbox", "B"),
        _commonsense("Where can I buy a tennis ball?", "a bakery, a sports store, a dentist, a museum", "B"),
        _commonsense("What do you use to cut a sheet of paper?", "spoon, scissors, pillow, blanket, mirror", "B"),
    ),
    "piqa": (
        _piqa("Keep bread fresh.", "Put it in a closed box.", "Leave it in the rain.", 0),
        _piqa("Dry wet shoes.", "Fill them with water.", "Stuff them with newspaper.", 1),
        _piqa("Open a tight jar lid.", "Run hot water over the lid.", "Paint the lid blue.", 0),
        _piqa("Get gum off a carpet.", "Step on it hard.", "Freeze it with ice and scrape it off.", 1),
        _piqa("Sharpen a pencil.", "Turn it in a sharpener.", "Dip it in milk.", 0),
        _piqa("Stop a door from squeaking.", "Hang a bell on it.", "Put oil on its hinges.", 1),
        _piqa("Cool hot soup quickly.", "Stir in an ice cube.", "Cover it with a blanket.", 0),
        _piqa("Clean a dusty window.", "Rub it with butter.", "Wipe it with a damp cloth.", 1),
    ),
    "copa": (
        _copa("The boy fell off his bike.", "effect", "He scraped his knee.", "He learned to sing.", 0),
        _copa("The street was wet.", "cause", "It was noon.", "It had rained.", 1),
        _copa("The cat knocked the vase over.", "effect", "The vase broke.", "The cat barked.", 0),
        _copa("The lights went out.", "cause", "The guests arrived.", "There was a power cut.", 1),
        _copa("The woman forgot her keys.", "effect", "She could not open the door.", "She bought a car.", 0),
        _copa("The milk smelled bad.", "cause", "It was cold outside.", "It had been kept too long.", 1),
        _copa("The man ate a whole cake.", "effect", "He felt sick.", "He grew a beard.", 0),
        _copa("The plant died.", "cause", "It stood in the sun.", "Nobody watered it.", 1),
    ),
    "cosmos_qa": (
        _cosmos(
            "I packed my bag twice last night and checked the ticket every ten minutes. The alarm was set for four.",
            "Why did the writer check the ticket so often?",
            "The writer was nervous about the journey.",
            "The writer had lost the ticket.",
            "The writer collects tickets.",
            "None of the above choices.",
            label=0,
        ),
        _cosmos(
            "My sister came back from the salon with a hat pulled over her ears and went straight to her room.",
            "What may be the reason for the hat?",
            "It was snowing in her room.",
            "She did not like her new haircut.",
            "The salon sells hats.",
            "She wanted to go skiing.",
            label=1,
        ),
        _cosmos(
            "We saved two seats for Dad, but they were empty when the curtain went up. He texted from a jam.",
            "What happened to Dad?",
            "He was on the stage.",
            "He forgot about the play.",
            "He was stuck on the road.",
            "He does not like plays.",
            label=2,
        ),
        _cosmos(
            "The new neighbours have a drum kit. I now own three pairs of ear plugs and know all of their songs.",
            "How does the writer feel about the neighbours?",
            "Glad about the silence.",
            "A little annoyed by the noise.",
            "Worried about their health.",
            "None of the above choices.",
            label=1,
        ),
        _cosmos(
            "I left the office at noon, bought a big bunch of flowers and drove out to the clinic. It is a girl!",
            "Why did the writer go to the clinic?",
            "To see a newborn child.",
            "To have a tooth pulled.",
            "To sell the flowers.",
            "To look for work.",
            label=0,
        ),
        _cosmos(
            "The dog ate half of the birthday cake while we were lighting candles in the other room.",
            "What will the family do next?",
            "Light more candles for the dog.",
            "Sing for the cake.",
            "Move to another town.",
            "Serve something else to the guests.",
            label=3,
        ),
        _cosmos(
            "Grandma kept every letter in a tin under the bed, and last week she let me read the first one.",
            "What may be true about Grandma?",
            "She cannot read.",
            "She trusts the writer.",
            "She dislikes the writer.",
            "She sells old tins.",
            label=1,
        ),
        _cosmos(
            "The bus was gone when I reached the stop, so I ran the whole way and still came in after the bell.",
            "What happened to the writer?",
            "The writer was late for school.",
            "The writer won a race.",
            "The writer drives a bus.",
            "The writer rang the bell.",
            label=0,
        ),
    ),
    "hellaswag": (
        _hellaswag(
            "Baking bread",
            "A woman kneads dough on a table. She puts it into a tin. She",
            "slides the tin into the oven.",
            "throws the tin into a river.",
            "rides the tin down a hill.",
            "paints the tin with a broom.",
            label=0,
        ),
        _hellaswag(
            "Washing a car",
            "A man sprays a car with water. He takes a sponge and",
            "eats it with a fork.",
            "rubs soap over the door.",
            "plants it in the ground.",
            "plays a song on it.",
            label=1,
        ),
        _hellaswag(
            "Playing tennis",
            "Two players stand on a court. One throws the ball up and",
            "goes to sleep.",
            "peels it like an orange.",
            "hits it over the net.",
            "folds it in half.",
            label=2,
        ),
        _hellaswag(
            "Mowing the lawn",
            "A boy pulls the cord of a mower. The engine starts. He",
            "swims across the lawn.",
            "reads it a story.",
            "puts it into his pocket.",
            "walks up and down and cuts the grass.",
            label=3,
        ),
        _hellaswag(
            "Shaving",
            "A man stands before a mirror with foam on his chin. He",
            "draws a razor across his cheek.",
            "jumps over the mirror.",
            "feeds the foam to a horse.",
            "ties the mirror to a kite.",
            label=0,
        ),
        _hellaswag(
            "Building a snowman",
            "Two girls roll a large ball of snow. They",
            "cook it in a pot.",
            "lift a smaller ball on top of it.",
            "mail it to a friend.",
            "drive it to the beach.",
            label=1,
        ),
        _hellaswag(
            "Changing a light bulb",
            "A woman climbs a ladder with a bulb in her hand. She",
            "screws it into the lamp.",
            "bites into it.",
            "kicks it to a child.",
            "waters it.",
            label=0,
        ),
        _hellaswag(
            "Making tea",
            "A kettle boils on the stove. A man takes it and",
            "wears it as a hat.",
            "puts it to bed.",
            "pours the water over the leaves.",
            "sends it to school.",
            label=2,
        ),
    ),
    "story_cloze": (
        _story(
            "Tom wanted to learn the guitar. He bought one and a book. He practised every day. Then there was a show",
            "Tom played a song on the stage.",
            "Tom had never seen a guitar.",
            1,
        ),
        _story(
            "Mia planted a seed in a pot. She watered it each morning. Nothing happened. Then she saw some green",
            "She threw the pot at a wall.",
            "She was happy that it grew.",
            2,
        ),
        _story(
            "Ben left his sandwich on a bench. He went to fetch a drink. A gull sat near. When he came back he stared",
            "His sandwich was gone.",
            "The bench had learned to fly.",
            1,
        ),
        _story(
            "Ada studied for weeks. The test was hard. She answered every question. The teacher smiled at her",
            "Ada had slept through the test.",
            "Ada got a very good mark.",
            2,
        ),
        _story(
            "The ice on the lake was thin. Sam stepped on it anyway. It began to crack. His friends shouted",
            "Sam ran back to the shore.",
            "Sam planted a tree on the ice.",
            1,
        ),
        _story(
            "Lily's cat hid in a tree. It would not come down. The street watched. A firefighter brought a ladder",
            "The tree became a cat.",
            "The cat was carried down safely.",
            2,
        ),
        _story(
            "Omar baked a cake for his mother. He read the recipe twice. It smelled wonderful. His mother came home",
            "She was delighted by the cake.",
            "She fired the oven.",
            1,
        ),
        _story(
            "Nina missed her train. The next one came an hour later. She had no book with her. There was a small shop",
            "The train bought Nina.",
            "She bought something to read.",
            2,
        ),
    ),
    "squad": (
        _squad(
            "The lighthouse of Brook Point was built in 1871 by Anna Keller. It is 34 metres high and has 180 steps.",
            "Who built the lighthouse?",
            "Anna Keller",
        ),
        _squad(
            "Norvik is a town of 12,000 people in the Elden Valley. Its market is held on Friday, its fair in August.",
            "When is the market held?",
            "Friday",
        ),
        _squad(
            "The river Tarn rises near Holm and flows for 90 miles to Lake Aven. Three old bridges cross it at Milden.",
            "Where does the river flow to?",
            "Lake Aven",
        ),
        _squad(
            "In 1934 the painter Ida Moreau moved from Lyon to Port Ellis, where she taught 40 students in a red barn.",
            "How many students did she teach?",
            "40",
        ),
        _squad(
            "The stone bridge of Castle Rowan has 7 arches. Peter Vane drew its plan in 1702 for the Duke of Marle.",
            "Who drew the plan of the bridge?",
            "Peter Vane",
        ),
        _squad(
            "The Alder Library opened in 1958 with 3,000 books. Today it keeps 250,000 books on 5 floors in Kingsford.",
            "How many books does it keep today?",
            "250,000",
        ),
        _squad(
            "The ferry Star of Lund crosses Grey Bay in 25 minutes. It carries 60 cars and was built at Haven Yard.",
            "How many cars does the ferry carry?",
            "60",
        ),
        _squad(
            "Clara Winter won the Silver Rose in 1987 for her novel The Long Field, which she wrote in Dale Harbour.",
            "When did Clara Winter win?",
            "1987",
        ),
    ),
    "boolq": (
        _boolq("Penguins are birds that cannot fly. They swim well.", "can penguins fly", 0),
        _boolq("Honey keeps for years, for it holds little water.", "does honey keep for years", 1),
        _boolq("The moon has no air, and sound needs air to travel.", "can you hear a shout on the moon", 0),
        _boolq("Tomatoes are fruits to a botanist and vegetables to a cook.", "is a tomato a fruit to a botanist", 1),
        _boolq("A bicycle lane is for bicycles; cars may not park on it.", "may cars park on a bicycle lane", 0),
        _boolq("Most cats sleep for twelve hours or more every day.", "do cats sleep for half of the day", 1),
        _boolq("Whales breathe air and must come up to the surface.", "do whales breathe air", 1),
        _boolq("Glass is made of sand that was melted in a furnace.", "is glass made of wood", 0),
    ),
    "multirc": (
        _multirc("Ann met her uncle at the zoo. They saw a bear.", "Whom did Ann meet?", "Uncle", 1),
        _multirc("Ann met her uncle at the zoo. They saw a bear.", "What did they see?", "A car", 0),
        _multirc("The miller sold his horse in May.", "What did the miller sell?", "His horse", 1),
        _multirc("The miller sold his horse in May.", "When was it?", "In December", 0),
        _multirc("Water boils in the pot, and the rice goes in last.", "What goes in last?", "The rice", 1),
        _multirc("Two sailors mended the net while the third one slept.", "How many sailors slept?", "Two", 0),
        _multirc("The nurse gave Leo a green pill after lunch.", "Who gave Leo the pill?", "The nurse", 1),
        _multirc("The train to Bern leaves from platform four.", "From where does it leave?", "Platform nine", 0),
    ),
    "openbookqa": (
        _openbook("What do plants need to make food?", "sunlight, darkness, plastic, noise", "A"),
        _openbook("Which of these conducts electricity well?", "rubber, copper, wood, glass", "B"),
        _openbook("What causes day and night?", "the tides, the clouds, the turning of the Earth, the seasons", "C"),
        _openbook("What happens to water at zero degrees?", "it burns, it boils, it glows, it freezes", "D"),
        _openbook("Which animal lays eggs?", "a hen, a cow, a dog, a whale", "A"),
        _openbook("What does a magnet pull?", "paper, iron, wool, bread", "B"),
        _openbook("Which gas do animals breathe in to live?", "helium, oxygen, neon, steam", "B"),
        _openbook("What tool shows how warm it is?", "a thermometer, a ruler, a scale, a clock", "A"),
    ),
    "record": (
        _record(
            "Mayor Helen Brandt opened the new bridge over the Tarn on Monday. Engineer Paul Stone gave a speech.",
            "The bridge was opened by @placeholder, who cut a ribbon.",
            "Helen Brandt, Tarn, Paul Stone",
            "Helen Brandt",
        ),
        _record(
            "Striker Luis Ortega left Rovers for City this week. Coach Mark Bell said that the fans will miss him.",
            "The coach, @placeholder, wished him luck.",
            "Luis Ortega, Rovers, City, Mark Bell",
            "Mark Bell",
        ),
        _record(
            "A storm hit Port Ellis on Sunday and cut the power in Holm. Nobody was hurt, said officer Jane Reed.",
            "The power was out in @placeholder until the evening.",
            "Port Ellis, Holm, Jane Reed",
            "Holm",
        ),
        _record(
            "Singer Nora Lind will tour Canada in June. Her band comes from Oslo and starts the tour in Toronto.",
            "The first show of the tour is in @placeholder.",
            "Nora Lind, Canada, Oslo, Toronto",
            "Toronto",
        ),
        _record(
            "Bakers in Lyon made the longest loaf of the year. Ida Moreau measured it for the Guild of Bakers.",
            "It was @placeholder who measured the loaf.",
            "Lyon, Ida Moreau, Guild of Bakers",
            "Ida Moreau",
        ),
        _record(
            "The Aven Museum bought a painting by Karl Voss. The seller, Mrs. Finch, lives in Kingsford.",
            "The painting will hang in the @placeholder.",
            "Aven Museum, Karl Voss, Finch, Kingsford",
            "Aven Museum",
        ),
        _record(
            "Pilot Sara Cole landed her plane on a field near Milden after a bird hit it. Farmer Joe Day helped.",
            "The pilot, @placeholder, was not hurt.",
            "Sara Cole, Milden, Joe Day",
            "Sara Cole",
        ),
        _record(
            "The school of Norvik won the chess cup. Its captain, Emil Frost, beat Dora Hale of Kingsford.",
            "In the last game @placeholder lost her queen.",
            "Norvik, Emil Frost, Dora Hale, Kingsford",
            "Dora Hale",
        ),
    ),
    "mnli": (
        _nli("Well, you know, we went to the lake every summer.", "They spent summers at the lake.", 0),
        _nli("The committee met twice in March.", "The committee agreed on a budget.", 1),
        _nli("Nobody in the office had heard of the plan.", "Everyone in the office knew the plan.", 2),
        _nli("The cathedral, built in the twelfth century, overlooks the square.", "The cathedral is old.", 0),
        _nli("Yeah, my brother has two dogs.", "My brother's dogs are brown.", 1),
        _nli("The museum is closed on Mondays.", "You can visit the museum on any day.", 2),
        _nli("The shop sells only fresh fish.", "The shop sells fish.", 0),
        _nli("He walked home alone in the dark.", "He was driven home by a friend.", 2),
    ),
    "rte": (
        _nli("The company Nordal said on Tuesday that it will close its plant in Holm.", "Nordal closes a plant.", 0),
        _nli("Peter Vane, 64, has led the bank since 2001.", "Peter Vane founded the bank.", 1),
        _nli("Heavy rain flooded three villages in the Elden Valley.", "Villages were flooded.", 0),
        _nli("The minister will travel to Bern in May.", "The minister was born in Bern.", 1),
        _nli("Clara Winter won the prize for her second novel.", "Clara Winter has written a novel.", 0),
        _nli("The ferry was late because of fog.", "The ferry sank in the fog.", 1),
        _nli("Police arrested two men after the theft at the museum.", "Two men were arrested.", 0),
        _nli("Oil prices rose by two percent on Friday.", "Oil prices fell on Friday.", 1),
    ),
    "cb": (
        _nli("A: Do you think they won? B: I know that they won, I was there.", "they won", 0),
        _nli("She did not believe that the letter was real. It was not.", "the letter was real", 1),
        _nli("If he thinks that the shop is open, he may go there.", "the shop is open", 2),
        _nli("Martha was surprised that the door was locked.", "the door was locked", 0),
        _nli("A: I doubt that it will work. B: It never did.", "it will work", 1),
        _nli("Perhaps they hope that the weather will hold.", "the weather will hold", 2),
        _nli("He had forgotten that it was her birthday.", "it was her birthday", 0),
        _nli("A: Could it be that Tom is ill? B: I have no idea.", "Tom is ill", 2),
    ),
    "anli_r3": (
        _nli("The band played for ninety minutes and came back for two songs.", "The show took over an hour.", 0),
        _nli("The recipe calls for three eggs and a pinch of salt.", "The cook who wrote it has a dog.", 1),
        _nli("The runner finished second, a minute after the winner.", "Nobody was faster than the runner.", 2),
        _nli("Both of her novels were written before she turned thirty.", "She wrote at least one novel.", 0),
        _nli("The village has one bus stop and no station.", "The bus stop was painted in spring.", 1),
        _nli("The tower was finished in 1890 and torn down in 1910.", "The tower can be climbed today.", 2),
        _nli("The play has four acts; the last is the shortest.", "The third act is longer than the fourth.", 0),
        _nli("No ticket costs more than ten euros.", "A ticket costs fifteen euros.", 2),
    ),
    "wnli": (
        _pair("The cup did not fit into the bag because it was too big.", "The cup was too big.", 1),
        _pair("The cup did not fit into the bag because it was too small.", "The cup was too small.", 0),
        _pair("Anna thanked Maria because she had helped her.", "Maria had helped her.", 1),
        _pair("Anna thanked Maria because she had been helped.", "Maria had been helped.", 0),
        _pair("The dog chased the cat until it climbed a tree.", "The cat climbed a tree.", 1),
        _pair("The man could not lift his son because he was so weak.", "The son was so weak.", 0),
        _pair("The table will not go through the door; it is too wide.", "The table is too wide.", 1),
        _pair("Jim yelled at Kevin because he was so upset.", "Kevin was so upset.", 0),
    ),
    "mrpc": (
        _pair("Shares of Nordal fell 3 percent on Monday.", "Nordal shares lost 3 percent Monday.", 1),
        _pair("The mayor opened the bridge on Monday.", "The bridge cost four million euros.", 0),
        _pair("Police said that two people were hurt.", "Two people were injured, police said.", 1),
        _pair("The company will hire 200 workers next year.", "The company let 200 workers go.", 0),
        _pair("The storm left 4,000 homes without power.", "Some 4,000 homes lost power in the storm.", 1),
        _pair("The film opens on Friday in Toronto.", "The film was shot in Lyon.", 0),
        _pair("The union rejected the offer on Tuesday.", "On Tuesday, the union turned the offer down.", 1),
        _pair("The team won its fifth game in a row.", "The team has a new coach.", 0),
    ),
    "qqp": (
        _questions("How do I learn to cook?", "What is the best way to learn cooking?", 1),
        _questions("How do I learn to cook?", "Why is the sky blue?", 0),
        _questions("How can I sleep better at night?", "What helps one to sleep well?", 1),
        _questions("What is the capital of Canada?", "What is the largest city of Canada?", 0),
        _questions("How do I fix a flat bicycle tyre?", "How can I repair a flat tyre on my bike?", 1),
        _questions("Is it safe to swim in the river?", "How long is the river?", 0),
        _questions("How can I save money as a student?", "What are ways for students to save money?", 1),
        _questions("Where can I buy used books?", "Who wrote the first book?", 0),
    ),
    "paws": (
        _pair("The road runs from Holm in the north to Bern.", "The road runs north from Bern to Holm.", 0),
        _pair("In 1934 Moreau moved to Lyon.", "Moreau moved to Lyon in 1934.", 1),
        _pair("Vane taught Keller how to paint.", "Keller taught Vane how to paint.", 0),
        _pair("The old red barn stood near the mill.", "Near the mill stood the old red barn.", 1),
        _pair("The first album sold more copies than the second.", "The second album sold more than the first.", 0),
        _pair("He played for City and later for Rovers.", "He played for City, then later for Rovers.", 1),
        _pair("The river lies east of the village.", "The village lies east of the river.", 0),
        _pair("She wrote the song with her sister.", "With her sister, she wrote the song.", 1),
    ),
    "sst2": (
        _phrase("a warm and funny film", 1),
        _phrase("dull from the first scene to the last", 0),
        _phrase("the actors are a delight", 1),
        _phrase("a waste of two hours", 0),
        _phrase("moving , clever and beautifully shot", 1),
        _phrase("the jokes fall flat", 0),
        _phrase("one of the year 's best comedies", 1),
        _phrase("tired , noisy and far too long", 0),
    ),
    "yelp": (
        _review("The waiter spilled soup on me and laughed. Cold food, dirty table. Never again.", 0),
        _review("The burger was dry and the fries were cold. The staff tried at least.", 1),
        _review("It is an average diner. Some dishes are fine, some are not, the prices are normal.", 2),
        _review("Good pizza, quick service. It was a little loud, but we will come back.", 3),
        _review("The best bakery in town! The bread is perfect and the people are so friendly.", 4),
        _review("My car came back from this garage with a new scratch, and they would not pay.", 0),
        _review("A lovely hotel with kind staff and a superb breakfast. I could not be happier.", 4),
        _review("The haircut is okay. I waited an hour for it, though.", 2),
    ),
    "wic": (
        _wic("bank", "We sat on the bank of the river.", "The bank closes at four.", 0),
        _wic("cold", "A cold wind blew.", "The water is cold.", 1),
        _wic("bat", "A bat flew out of the cave.", "He swung the bat and hit the ball.", 0),
        _wic("paper", "She wrote on a sheet of paper.", "The paper was white and thin.", 1),
        _wic("light", "The bag is light.", "Turn off the light.", 0),
        _wic("draw", "Draw a circle.", "The child drew a house.", 1),
        _wic("spring", "The flowers bloom in spring.", "The spring of the old sofa broke.", 0),
        _wic("drink", "They drink tea.", "Drink some water.", 1),
    ),
    "imdb": (
        _review("I watched this film with my family and we loved every minute. The ending made me cry.", 1),
        _review("What a mess. The plot makes no sense and the actors look as if they want to go home.", 0),
        _review("A quiet, honest story with a wonderful lead. See it.", 1),
    ),
    "mnli_mm": (
        _nli("The letter was sent by post last week.", "Somebody sent a letter.", 0),
        _nli("Our guide spoke about the old castle.", "The guide had been a teacher.", 1),
        _nli("The pool is open all year.", "The pool is closed in winter.", 2),
    ),
}
