"""The dialer: claims due calls, starts them at their pace, follows each to its end and writes down what became of it.

`loop` claims, `follow` is the story of one attempt, `talk` what happens once it is answered;
`records` writes, `batches` saves round trips, `wake` ends the sleep.
"""
