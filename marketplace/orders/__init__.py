"""Orders: a buyer's wish, decided by rule or by the selling department."""
