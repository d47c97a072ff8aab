"""What each plot shows and how it looks when all is well, in plain words, by the plot's name."""

PLOTS = {
    "histogram": "How similar each image of the public pool is to your words. The anchors that "
    "your words choose come from the right of the dashed line. Good: the line cuts off a thin tail "
    "on the right.",
    "losses": "What the erasure works on, term by term. task: anchors still answered with the "
    "name. keep: answers about others that moved. orth, div: how far the anchors point to the "
    "concept's words, and to each other; only the literal paper pushes on these two. Good: what is "
    "pushed on falls and then levels off.",
    "drift": "How much the edit so far changes what other knowledge gets out of a layer: the "
    "layer that changes most, squared, against its own size. Good: it stays small.",
    "let_through": "How much of what each step would like to change (its gradient) the hard null "
    "space lets through; the rest would touch other knowledge. Good: clearly above 0, or the "
    "erasure has nothing to work with.",
    "entropies": "How evenly the anchors spread over the model's inner directions after the last "
    "edited layer, at each step (0 to 1). Near 0 the model would take them all for one thing. "
    "Good: it does not collapse towards 0.",
    "layers": "How evenly each edited layer's inputs spread (0 to 1), before and after, on images "
    "of other concepts and on the anchors. Good: the marks of others lie on each other; a lower "
    "one after means knowledge was squeezed out. The anchors' may move: they are what is changed.",
    "bands": "Answers kept about other concepts, by how similar they are to the erased one. "
    "The bars are 95 % intervals. Good: every mark near 100 %, also on the right, where the "
    "nearest neighbours are.",
    "domains": "Answers kept about other concepts, by what kind of thing they are. The bars are "
    "95 % intervals. Good: every mark near 100 %; one domain far below the others has paid for "
    "the erasure.",
    "bound": "How much each layer's output on other knowledge changed. Good: the measured mark on "
    "the same data lies on or below the bound. On unseen data it may lie a little above: the "
    "bound does not promise that, nor anything of all edited layers together, whose later ones "
    "see what the earlier ones have moved (measured where the answer begins, the others at every "
    "position).",
    "costs": "What each of the concepts most like the erased one pays: how much the layer that "
    "moves most changes its output on images of it that had no part in the erasure. Good: all "
    "bars short; a long one says where to look for damage.",
}
