"""`map`: a picture of the fabric. `model` is what is drawn, and pure; each other module is one way of drawing it."""
