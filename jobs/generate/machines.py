"""Factory machines and how they run, as SQL expressions; only this module decides why a part is defective.

A machine makes two trips a day, of 270 minutes each. Most trips keep their temperature; some run hot near
their end, in one factory and in two engine models more often. Hours after a trip ten parts are inspected: a
part is likely to be defective when the machine's temperature was above its moving average as the trip ended.
The reference documents give no units: temperature is in °C here, air pressure in hPa.
"""

from dataclasses import dataclass

from jobs.generate.values import Values

FACTORIES = ("A06", "D18", "J15", "C04", "T10")
MODELS = (
    *("SkyJet134", "SkyJet234", "SkyJet334", "EcoJet1000", "JetLift7000", "EcoJet2000", "FlyForceX550"),
    *("TurboFan3200", "SkyBolt1", "SkyBolt2", "MightyWing1100", "EcoJet3000", "AeroGlider4150", "SkyBolt250"),
)
PRONE_FACTORY, PRONE_MODELS = "A06", ("SkyJet234", "SkyJet334")  # these run hot more often

MINUTES = 270  # of a trip; one reading a minute
PARTS = 10  # inspected after a trip
TRIPS = 2  # of a machine in a day
# The day's trips begin within 90 minutes of these; a machine is inspected before it starts again, after the
# late trip on the next day.
STARTS = (5.5 * 3600, 17.5 * 3600)
MOVING = 5  # minutes before the last one, which make the moving average
RISE = 1.0  # degrees above it that damage parts
DEFECT_RATE, USUAL_DEFECT_RATE = 0.55, 0.01  # of parts from hot and from other trips


def _one_of(values: tuple[str, ...], index: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"element_at(array({listed}), cast(pmod({index}, {len(values)}) + 1 as int))"


@dataclass(frozen=True)
class Trip:
    """Expressions about a trip; `night` (its night's index) and `number` (of its night) are BIGINT expressions."""

    seed: int
    night: str
    number: str

    @property
    def _values(self) -> Values:
        return Values(self.seed, "machines")

    @property
    def device_id(self) -> str:
        """The machine that makes it, counted from 1."""
        return f"({self.number} div {TRIPS} + 1)"

    @property
    def trip_id(self) -> str:
        """Number of the trip among all trips of its machine."""
        return f"({TRIPS} * {self.night} + pmod({self.number}, {TRIPS}) + 1)"

    @property
    def factory_id(self) -> str:
        """The factory of the machine."""
        return _one_of(FACTORIES, self.device_id)

    @property
    def model_id(self) -> str:
        """The machine's engine model."""
        return _one_of(MODELS, self.device_id)

    @property
    def start(self) -> str:
        """Seconds from the beginning of the trip's night."""
        early, late = map(int, STARTS)
        begins = f"IF(pmod({self.number}, {TRIPS}) = 0, {early}L, {late}L)"
        return f"({begins} + 60 * {self._of_trip('integer', 'start', 0, 90)})"

    @property
    def is_hot(self) -> str:
        """Whether the machine runs hot near the end of the trip."""
        prone = f"({self.factory_id} = '{PRONE_FACTORY}' OR {self.model_id} IN {PRONE_MODELS})"
        drawn = self._of_trip("uniform", "hot")
        return f"({drawn} < IF({prone}, 0.25D, 0.06D))"

    def temperature(self, minute: str) -> str:
        """Degrees in a minute of the trip (0 to 269, BIGINT): a slow swing, noise, and the heat of a hot end."""
        swing = f"3 * sin(2 * pi() * {minute} / {MINUTES} + {self._of_trip('between', 'phase', 0, 6.283185)})"
        hot_minutes = f"greatest(0, {minute} - {MINUTES - 1} + {self._of_trip('integer', 'onset', 60, 100)})"
        heat = f"IF({self.is_hot}, {self._of_trip('between', 'heat', 0.4, 0.8)} * {hot_minutes}, 0D)"
        noise = self._values.between("noise", -0.5, 0.5, self.night, self.number, minute)
        return f"({self._of_trip('between', 'usual', 40, 70)} + {swing} + {heat} + {noise})"

    def is_defective(self, part: str) -> str:
        """Whether an inspected part (0 to 9) is defective, by the temperature against its moving average."""
        last = MINUTES - 1
        before = " + ".join(self.temperature(f"{last - ago}L") for ago in range(1, MOVING + 1))
        damages = f"{self.temperature(f'{last}L')} - ({before}) / {MOVING} > {RISE}D"
        drawn = self._values.uniform("defect", self.night, self.number, part)
        return f"({drawn} < IF({damages}, {DEFECT_RATE}D, {USUAL_DEFECT_RATE}D))"

    def drawn(self, name: str, low: float, high: float) -> str:
        """A double that is the same for all minutes of the trip, uniform in [low, high)."""
        return self._of_trip("between", name, low, high)

    def noise(self, name: str, width: float, minute: str) -> str:
        """A double of one minute, uniform within `width` of 0."""
        return self._values.between(name, -width, width, self.night, self.number, minute)

    def happens(self, name: str, probability: float) -> str:
        """Whether an event of this probability happens on the trip."""
        return self._of_trip("chance", name, probability)

    def _of_trip(self, kind: str, name: str, *given: float) -> str:
        expression: str = getattr(self._values, kind)(name, *given, self.night, self.number)
        return expression
