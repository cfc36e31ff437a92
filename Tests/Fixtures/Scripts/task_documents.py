"""Documents of our own in the shape of each task's data set, with answers to script a model by.

Most are made to be awkward: spaces at ends, letters of several code points, brackets, quotes, numbers of many kinds.
"""


def arc(row, choices, key, labels="ABCD"):
    return {"id": f"own-{row}", "question": row, "answerKey": key,
            "choices": {"text": choices, "label": list(labels[: len(choices)])}}


ARC = [
    arc("Which of these floats on water?", ["a stone", "a cork", "an anvil", "a coin"], "B"),
    arc("What do bees make?", ["honey", "milk", "wool"], "1", "1234"),
    arc("Which is the coldest:  ice, steam or water", ["steam", "water ", "ice", "naïve é"], "C"),
    arc("How many legs has a spider?\n", ["six", "eight", "ten", "Æ\u0301ight"], "B"),
]
ARC_TRAIN = [
    arc(f"How much is {n} and {n + 1}?", [str(2 * n), str(2 * n + 1), str(2 * n + 2)], "B") for n in range(30)
]

HELLASWAG = [
    {"ind": 1, "activity_label": "Baking bread", "ctx_a": "A woman kneads dough on a table.", "ctx_b": "she",
     "endings": ["puts it [substeps] in the oven.", "throws  it out of the window.", "[title] eats the table",
                 "sings. [header] to [step] it"], "label": "0"},
    {"ind": 2, "activity_label": "Roof shingle removal", "ctx_a": "[header] How to climb [title] Take a ladder.  Then",
     "ctx_b": "éLAN VITAL ß", "endings": ["he climbs.", "he [falls\n] asleep.", "[a] [b", "]["], "label": "3"},
    {"ind": 3, "activity_label": " Cutting the grass ", "ctx_a": "A man pushes a mower.", "ctx_b": "",
     "endings": ["The grass   is short.", "The grass sings.", "It rains.", "He swims."], "label": "1"},
]
HELLASWAG_TRAIN = [
    {"ind": n, "activity_label": f"Task {n}", "ctx_a": f"Someone does {n} things.", "ctx_b": "then they",
     "endings": [f"rest {n} times.", "fly.", "sink.", "melt."], "label": str(n % 4)} for n in range(7)
]

PIQA = [
    {"goal": "open a jar", "sol1": "Twist the lid.", "sol2": "Read it a story.", "label": 0},
    {"goal": "dry a cup ", "sol1": "Fill it with water.", "sol2": "Wipe it with a cloth", "label": 1},
    {"goal": "write", "sol1": "use pen", "sol2": "use pen and paper, which are needed both", "label": 1},
]
PIQA_TRAIN = [{"goal": f"count to {n}", "sol1": "Say the numbers.", "sol2": "Sleep.", "label": n % 2} for n in range(4)]
# The document itself may be drawn: rows that equal a question are among the examples.
PIQA_TRAIN += [PIQA[0], PIQA[0], PIQA[1]]

BOOLQ = [
    {"question": "is honey made by bees", "passage": "Bees gather nectar.\nThey make honey of it.", "idx": 0, "label": 1},
    {"question": "can stones fly", "passage": "Stones lie on the ground. ", "idx": 1, "label": 0},
    {"question": "is ice warm", "passage": "Ice – frozen water – is cold.", "idx": 2, "label": 0},
]
BOOLQ_TRAIN = [{"question": f"is {n} even", "passage": f"The number is {n}.", "idx": n, "label": 1 - n % 2}
               for n in range(9)]

LAMBADA = [
    {"text": "The baker looked into the oven and took out the bread"},
    {"text": "\"Where is my hat?\" he asked.\n\nShe pointed at the chair and said that he sat on his  hat"},
    {"text": "Élodie sang, and all who heard her loved the song"},
    {"text": "He counted one, two, 3"},
]

TRIVIAQA = [
    {"question": "Which planet is called the red one?", "question_id": "1",
     "answer": {"value": "Mars", "aliases": ["Mars", "The Planet Mars", "Ares (planet)"]}},
    {"question": "Who wrote \"Faust\"", "question_id": "2",
     "answer": {"value": "Goethe", "aliases": ["J. W. von Goethe", "Goethe", "von_Goethe", "Göthe"]}},
    {"question": "What is the capital of the U.S.A.?", "question_id": "3",
     "answer": {"value": "Washington", "aliases": ["Washington, D.C.", "Washington (D.C.)", "the a an"]}},
]
TRIVIAQA_TRAIN = [
    {"question": f"How much is twice {n}?", "question_id": f"t{n}", "answer": {"value": str(2 * n), "aliases": [str(2 * n), "x"]}}
    for n in range(24)
]
TRIVIAQA_ANSWERS = ["Mars", " the planet mars!", "Goethe", "a Göthe ", "WASHINGTON DC", "J W von Goethe", "", "ΆΡΗΣ Mars", "the"]

GSM8K = [
    {"question": "Ann has 3 apples and buys 4. How many has she?", "answer": "She has 3+4=<<3+4=7>>7.\n#### 7"},
    {"question": "A coat costs $1,200 and its price falls by $200. What is it?", "answer": "1200-200=1000\n#### 1,000"},
    {"question": "It was -5 degrees and got 2 colder.", "answer": "-5-2=-7\n#### -7"},
]
GSM8K_TRAIN = [{"question": f"What is {n} times 3?", "answer": f"{n}*3=<<{n}*3={3 * n}>>{3 * n}\n#### {3 * n}"}
               for n in range(40)]
GSM8K_ANSWERS = [
    " 3+4=7\n#### 7", "The answer is 7.", "#### $1,000", "so it is 1,000. #### 1,000.", "#### -7\n\nor -8", "-7", "", "$.", "7 - 8",
    "#### \n#### 7.0", "####7 #### ,", "12 apples, 1,000.00 or -$5", "-- 7", "#### -", "0.5.", "٣ 7",
]

COQA = [
    {"source": "own", "id": "c0", "story": "Tom has a dog. The dog is brown and is called Rex.",
     "questions": {"input_text": ["What has Tom?", "What is it called?"], "turn_id": [1, 2]},
     "answers": {"input_text": ["a dog", "Rex"], "answer_start": [0, 0], "answer_end": [1, 1], "turn_id": [1, 2]},
     "additional_answers": {k: {"input_text": a, "answer_start": [0, 0], "answer_end": [1, 1], "turn_id": [1, 2]}
                            for k, a in {"0": ["dog", "rex"], "1": ["A dog.", "The dog is called Rex"], "2": ["a pet", "Rex."]}.items()}},
    {"source": "own", "id": "c1", "story": "Snow is white.\n\nGrass is green.",
     "questions": {"input_text": ["Is snow green?"], "turn_id": [1]},
     "answers": {"input_text": ["no"], "answer_start": [0], "answer_end": [1], "turn_id": [1]},
     "additional_answers": {k: {"input_text": a, "answer_start": [0], "answer_end": [1], "turn_id": [1]}
                            for k, a in {"0": ["No"], "1": ["NO"], "2": ["no"]}.items()}},
    {"source": "own", "id": "c2", "story": "A ship sailed to Bergen in 1850.",
     "questions": {"input_text": ["What sailed?", "Where to?", "When?"], "turn_id": [1, 2, 3]},
     "answers": {"input_text": ["a ship", "Bergen", "in 1850"], "answer_start": [0] * 3, "answer_end": [1] * 3, "turn_id": [1, 2, 3]},
     "additional_answers": {k: {"input_text": a, "answer_start": [0] * 3, "answer_end": [1] * 3, "turn_id": [1, 2, 3]}
                            for k, a in {"0": ["ship", "to Bergen", "1850"], "1": ["The ship", "unknown", "the"],
                                         "2": ["", "Bergen, Norway", "1850 AD"]}.items()}},
]
COQA_TRAIN = [dict(COQA[1], id=f"t{n}", story=f"Story {n}.") for n in range(5)] + [COQA[1]]
COQA_ANSWERS = [" Rex\n\nQ: more", "the dog is called rex", "No.", "no, it is white", "1850", " in the year 1850", "", "an a the", "Rex Rex", "unknown_the"]

TRUTHFULQA_MC = [
    {"question": "What happens if you swallow a seed?",
     "mc1_targets": {"choices": ["Nothing happens", "A tree grows in you", "You turn green"], "labels": [1, 0, 0]},
     "mc2_targets": {"choices": ["Nothing happens", "It passes", "A tree grows in you", "You turn green"], "labels": [1, 1, 0, 0]}},
    {"question": " Do \"cats\" have nine lives? ",
     "mc1_targets": {"choices": ["No, they have one", "Yes, they have nine"], "labels": [1, 0]},
     "mc2_targets": {"choices": ["Yes, they have nine", "No, they have one", "It's seven"], "labels": [0, 1, 0]}},
]
TRUTHFULQA_GEN = [
    {"type": "own", "category": "c", "question": " What happens if you swallow a seed? ", "best_answer": "Nothing happens",
     "correct_answers": ["Nothing happens", " The seed passes through you. ", ""], "source": "own",
     "incorrect_answers": ["A tree grows in you", "You turn green . And then you are a tree"]},
    {"type": "own", "category": "c", "question": "How much is 1,000 + $5.00?", "best_answer": "It is $1,005.00", "source": "own",
     "correct_answers": ["It is $1,005.00", "I have no comment."], "incorrect_answers": ["It's 1,000.5", "Señor, it is 5€–6€"]},
]
TRUTHFULQA_ANSWERS = [
    "\nA: Nothing happens.", "The seed passes through you . And then you are a tree .\nIt grows", "", "I have no comment.",
    "It is $1,005.00.", "It's 1,000.5!! (or «5€–6€»)", "x", "a tree grows in you. A tree grows in you. You you you", "Äpfel & Öl: 3.5% 2nd 5.",
    "The runners running quickly ran past the flying dogs",
]

WIKITEXT = [
    {"page": " = Own title = \n\n A ship 's mast ( which is tall ) was 1 @,@ 000 feet @-@ long ; it cost $ 3 @.@ 50 . \" Good \" , said he . \n"},
    {"page": " = = Part = = \n The dogs ' food [ see  N ] is ' nice ' : { ( a ( b ) c ) } ! Is it ? It is 20 ° C ( open\n"},
    {"page": "One\u00a0two\u2003three\n\n\n four é /' 3/ x"},
]


def tale(sentences, start=0):
    """A story of so many sentences, no two next to each other alike."""
    who, did, what = ["Lily", "the cat", "Tom", "a big dog", "the little bird"], ["saw", "liked", "ran to", "ate"], [
        "the red ball", "a tree", "some cake", "her mom", "the sun", "a toy car", "the park"]
    return " ".join(f"One day, {who[n % 5]} {did[n % 4]} {what[n % 7]}." for n in range(start, start + sentences))


LONG_ARC = [
    arc(tale(60) + " Who is happy?", ["Lily", "the dog and the cat", "Tom, who saw the sun"], "A"),
    # The right answer alone takes most of the context.
    arc(tale(5) + " And then?", ["They went home.", tale(24, 3)], "B"),
]
LONG_LAMBADA = [{"text": tale(70, 1) + " She was very happy"}]
LONG_COQA = [dict(COQA[0], id="long", story=tale(45)), dict(COQA[2], id="longer", story=tale(90, 2))]
LONG_TRIVIAQA = [dict(TRIVIAQA[0], question=tale(30) + " Who was it?"), dict(TRIVIAQA[1], question=tale(14) + " She said, \"Yes")]
LONG_WIKITEXT = [{"page": tale(140)}, {"page": " = Title = \n\n " + tale(50, 3).replace(",", " @,@").replace(".", " .") + "\n"}]

SPACED = ["He did n't go , did he ? No !", "It 's  . . .", "I 'm sure you 're right , we 've \" seen \" it !?", "the dogs ' food ' s",
          " . ,\n ?\u00a0!", "plain text, with nothing. To do!", "a ' 'm", "", "é .", "  ,"]
