"""What each method of the benchmark does, in a sentence for who reads its table."""

METHODS = {
    "space": "this project: public images stand in for the concept, the edit keeps to what other "
    "knowledge hardly uses",
    "space, all concepts": "the same over every concept of the suite, not only those that all "
    "methods share",
    "direction": "takes the direction of the concept's name out of what the model is handed of an "
    "image",
    "anchors": "trains the model away from what look-alikes are called, and hopes that the concept "
    "goes with them",
    "prompt": "changes nothing in the model: a sentence before each question tells it to know "
    "nothing of the concept",
    "ga": "gradient ascent: training backwards, away from the right answers about the concept",
    "graddiff": "gradient difference: the same, while other answers are trained as they were",
    "kl": "the same, while other answers are held near the old ones, word by word",
    "npo": "negative preference optimisation: training backwards that slows down as it succeeds",
    "idk": "learns to answer with a general word or that it does not know, and keeps other answers",
    "siu": "single image unlearning: new answers for the concept, other words held as they were",
    "mmunlearner": "training backwards on those weights alone that the concept needs most",
    "true images": "this project's loss and null space, with the concept's own images in the place "
    "of the anchors",
    "other belief": "the anchors are moved until the model takes them for another concept",
    "no anchors": "nothing is overwritten",
    "one anchor": "a single anchor",
    "one plain anchor": "a single anchor, not moved",
    "other target": "the edit of another concept: this one should stay",
    "random anchors": "all anchors drawn blindly",
    "chosen anchors": "all anchors chosen by words",
    "plain anchors": "anchors that are not moved and learn their own captions",
    "no inversion": "anchors that are not moved, overwritten as SPACE's are",
    "hard 0.05": "the null space as a hard cut in place of a price on every direction",
    "no null space": "without the constraint",
    "no keep": "without the loss that holds other answers",
    "no neighbours": "the nearest concepts weigh no more than others in the null space",
    "no decay": "the edit never shrinks by itself",
    "no second look": "the edited model is not asked again what it still takes for the concept",
    "no foreign look": "the edited model is not asked for the name in other languages",
    "with orth": "with the paper's loss that turns anchors away from the concept's words",
    "with div": "with the paper's loss that turns anchors away from each other",
    "paper": "the paper read literally",
    "paper, no orth": "the paper read literally, without the first of these losses",
    "paper, no div": "the paper read literally, without the second",
    "first blocks": "the edit in the first third of the decoder's blocks instead of the middle",
    "last blocks": "the edit in the last third of the decoder's blocks instead of the middle",
    "every block": "the edit in all of the decoder's blocks",
    "12 anchors": "half as many anchors",
    "48 anchors": "twice as many anchors",
    "cut 90": "anchors chosen by words may be less like the concept",
    "softness 0.01": "a null space that protects other knowledge ten times as much",
    "softness 1": "a null space that protects other knowledge a tenth as much",
    "hard 0.2": "a hard cut that leaves four times as much of other knowledge's energy to the edit",
    "20 steps": "half as many steps of training",
    "80 steps": "twice as many steps of training",
    "another seed": "the same anchors, all else that is drawn by chance drawn anew",
    "refusal": "says that it does not know, in place of a general word",
    "anchor's name": "says what the anchor was called, in place of a general word; all anchors "
    "are chosen by words then",
}
