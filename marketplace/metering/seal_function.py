"""The one text of a usage line, as the database writes it: what a line's leaf in its group is the hash of.

It holds what never changes. `outcome` does: a held call is answered later.
"""

LINE_TEXT_FUNCTION = r"""CREATE FUNCTION market.line_text(line market.usage_lines) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
    SELECT jsonb_build_object(
        'id', line.id, 'month', line.month, 'licence', line.licence, 'key', line.key, 'product', line.product,
        'release', line.release, 'offer', line.offer,
        'at', to_char(line.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'reason', line.reason,
        'calls', line.calls, 'quantity', line.quantity::text, 'unit', line.unit, 'price_fen', line.price_fen,
        'amount_fen', line.amount_fen, 'request_id', line.request_id, 'period', line.period,
        'compensates', line.compensates)::text
$function$"""
