"""The contest: who finds the parts that a network uses, told by planted parts whose worth is known.

Read it in this order: `networks` (who is asked), `world` (pictures with the truth about every pixel), `worth`
(which parts a network uses), `subject` (what a method may look at), the methods (`factorisation`, `crops`,
`segments`, `positions`, `product`; `controls`), `scores`, `tuning`, `tables`.
"""
