-- Which lines of a rating run are stored, and the hash of each; an unmerged repetition has the same bytes.
SELECT line_id, any(line_hash) AS line_hash
FROM meterline.rated_lines
WHERE run_id = {run_id:String}
GROUP BY line_id
