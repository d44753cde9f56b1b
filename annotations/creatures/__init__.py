"""The generated image set: composite animals whose parts, and what each part is worth, are known exactly.

`plan` decides what is in a picture, `anatomy` and `world` draw it on a `canvas`, `picture` puts it together,
`image_set` stores many of them. Only the plan is random, so a picture can be drawn again without a part.
"""
