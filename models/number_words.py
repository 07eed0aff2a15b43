"""The vocabulary of numbers: number words, magnitudes, units, currencies and hedges."""

from __future__ import annotations

from typing import Final

# Languages that write "1.200,5" where English writes "1,200.5".
DECIMAL_COMMA: Final = frozenset(
    "de fr es it pt nl ru uk be pl cs sk sv da no fi tr ro hu bg el sr hr sl lt lv et id ca gl is "
    "af vi kk az ka hy mk sq bs eu".split()
)

UNITS_UNDER_TWENTY: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen".split()
)
TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
CARDINALS: Final = {word: value for value, word in enumerate(UNITS_UNDER_TWENTY)} | {
    word: 10 * value for value, word in enumerate(TENS, start=2)
}
ORDINALS: Final = {
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14,
    "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19,
    "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50, "sixtieth": 60,
    "seventieth": 70, "eightieth": 80, "ninetieth": 90, "hundredth": 100,
}  # fmt: skip
DECADES: Final = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70,
    "eighties": 80, "nineties": 90,
}  # fmt: skip
MAGNITUDES: Final = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "tsd": 1e3, "mil": 1e3, "mille": 1e3, "тыс": 1e3,
    "тысяч": 1e3, "тысячи": 1e3, "million": 1e6, "millions": 1e6, "mln": 1e6, "mn": 1e6, "m": 1e6,
    "millionen": 1e6, "mio": 1e6, "millones": 1e6, "milioni": 1e6, "milhões": 1e6, "miljoen": 1e6,
    "млн": 1e6, "миллион": 1e6, "миллиона": 1e6, "миллионов": 1e6, "billion": 1e9,
    "billions": 1e9, "bn": 1e9, "bln": 1e9, "b": 1e9, "milliarden": 1e9, "mrd": 1e9,
    "milliards": 1e9, "milliard": 1e9, "miliardi": 1e9, "miljard": 1e9, "млрд": 1e9,
    "миллиард": 1e9, "миллиарда": 1e9, "миллиардов": 1e9, "trillion": 1e12, "trillions": 1e12,
    "tn": 1e12, "trn": 1e12, "dozen": 12, "万": 1e4, "萬": 1e4, "億": 1e8, "亿": 1e8,
    "lakh": 1e5, "crore": 1e7,
}  # fmt: skip
# These letters are units as well, so both readings stay open.
AMBIGUOUS: Final = frozenset({"m", "k", "b", "mil"})
CURRENCIES: Final = {
    "$": "$", "us$": "$", "dollar": "$", "dollars": "$", "dlr": "$", "dlrs": "$", "usd": "$",
    "bucks": "$", "£": "£", "pound": "£", "pounds": "£", "gbp": "£", "stg": "£", "sterling": "£",
    "€": "€", "euro": "€", "euros": "€", "eur": "€", "¥": "¥", "yen": "¥", "yuan": "yuan",
    "renminbi": "yuan", "₹": "₹", "rupee": "₹", "rupees": "₹", "₽": "₽", "rouble": "₽",
    "roubles": "₽", "ruble": "₽", "rubles": "₽", "₩": "₩", "won": "₩", "₺": "₺", "lira": "₺",
    "franc": "franc", "francs": "franc", "krona": "krona", "kroner": "krona", "peso": "peso",
    "pesos": "peso", "рублей": "₽", "руб": "₽", "долларов": "$", "евро": "€",
}  # fmt: skip
UNITS: Final = CURRENCIES | {
    name: unit
    for unit, names in {
        "%": "% percent percentage pct pc proz prozent % процент процента процентов %",
        "cent": "cents pence",
        "second": "seconds secs sec", "minute": "minute minutes min mins",
        "hour": "hour hours hr hrs", "day": "day days", "night": "night nights",
        "week": "week weeks", "fortnight": "fortnight", "month": "month months",
        "year": "year years yr yrs", "decade": "decade decades", "century": "century centuries",
        "km": "km kilometre kilometres kilometer kilometers kms", "mile": "mile miles",
        "metre": "m metre metres meter meters", "cm": "cm centimetres centimeters",
        "mm": "mm millimetres millimeters", "inch": "inch inches", "foot": "foot feet ft",
        "yard": "yard yards", "kg": "kg kilo kilos kilogram kilograms kilogrammes kgs",
        "lb": "lb lbs", "tonne": "tonne tonnes ton tons", "gram": "gram grams grammes g",
        "stone": "stone", "acre": "acre acres", "hectare": "hectare hectares",
        "litre": "litre litres liter liters", "gallon": "gallon gallons",
        "barrel": "barrel barrels", "mph": "mph", "kph": "kph kmh", "degree": "degree degrees °",
        "mw": "mw megawatt megawatts", "gw": "gw gigawatt gigawatts", "knot": "knot knots",
    }.items()
    for name in names.split()
}  # fmt: skip
# "pounds" weigh as well, "seconds" rank as well, "points" may be of a percentage.
OPEN_UNITS: Final = frozenset({"pound", "pounds", "mil", "m", "k", "b", "g", "won"})
HEDGES: Final = {
    "about": "about", "around": "about", "roughly": "about", "approximately": "about",
    "some": "about", "estimated": "about", "nearly": "under", "almost": "under", "approaching":
    "under", "over": "over", "than": "over", "exceeding": "over", "least": "over", "just": "",
    "circa": "about", "close": "about", "most": "under", "to": "",
}  # fmt: skip
