"""The generated image set: composite animals whose parts, and what each part is worth, are known exactly.

`plan` decides what is in a picture, `anatomy` and `world` draw it on a `canvas`, `picture` puts it together,
`image_set` stores many of them. Nothing is random but the plan, so a picture can be drawn again without a part.
"""
