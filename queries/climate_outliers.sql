-- Hours of the night's day in which a room was far warmer, colder, damper or drier than in the seven days before.
-- Far is a modified z-score (Iglewicz and Hoaglin) beyond 6, with 48 hours at least to compare with: a year of
-- simulated nights then has no false alarm. At 3.5, the limit that is often named, one night in eight has one.
WITH measured AS (
  SELECT event_date, hour, location, measure, value, event_date < :night AS is_before
  FROM {gold.climate_hourly}
  UNPIVOT (value FOR measure IN (avg_temperature_f AS temperature, avg_humidity_percent AS humidity))
  WHERE event_date BETWEEN date_sub(:night, 7) AND :night
), compared AS (
  SELECT *, median(IF(is_before, value, NULL)) OVER of_room AS usual
  FROM measured
  WINDOW of_room AS (PARTITION BY location, measure)
), scored AS (
  SELECT
    *,
    count_if(is_before) OVER of_room AS hours_before,
    0.6745 * (value - usual) / nullif(median(IF(is_before, abs(value - usual), NULL)) OVER of_room, 0) AS score
  FROM compared
  WINDOW of_room AS (PARTITION BY location, measure)
)
SELECT location, hour, measure, round(value, 1) AS value, round(usual, 1) AS usual, round(score, 1) AS score
FROM scored
WHERE NOT is_before AND hours_before >= 48 AND abs(score) > 6
ORDER BY hour, location, measure
