"""What is bought before a question can be planned: partitions and bounds, each as a question of its own."""
