"""How a base model and adapters are made: recipes as data, one trainer."""
