"""Evidence for the publish gate: figures reached another way than by the models, in SQL files and, for a sample, in Python."""
