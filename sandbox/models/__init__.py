"""The model library (模型库): released models with their cards, and predictions by them in a seal."""
