"""Moving services and watching them; takes clients as arguments, knows no environment."""
