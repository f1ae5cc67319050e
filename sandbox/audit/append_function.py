"""The database function `log.append`, which is the only thing that a service can do to the log.

It runs with the rights of the log's owner and builds every row itself: the index is the number of entries,
the time is the database's, the commitment and every node are hashes that it has computed, and the index of
objects (`object_index.py`) is read from the content. So a service's role, stolen, can append what its service
might have appended, and can neither forge another service's entries nor break the tree.
"""

# `session_user` is who logged in: inside the function `current_user` is the owner. The lock spells "cihu";
# taken by a statement of its own, so that the next snapshot begins after the holder has committed.
APPEND_FUNCTION = r"""CREATE FUNCTION log.append(kind text, salt bytea, content text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    size bigint;
    entry text;
    hash bytea;
    sibling bytea;
    height smallint := 0;
    place bigint;
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'MEMBER')
       AND NOT EXISTS (SELECT FROM log.kinds AS known WHERE known.kind = append.kind AND known.role = session_user) THEN
        RAISE insufficient_privilege USING MESSAGE = session_user || ' may not append ' || kind;
    END IF;
    PERFORM pg_advisory_xact_lock(109304375214081);
    SELECT coalesce(max(index) + 1, 0) INTO size FROM log.entries;
    entry := '{"commitment":"' || encode(sha256(salt || convert_to(content, 'UTF8')), 'hex')
             || '","kind":"' || kind
             || '","time":"' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
             || '","version":1}';
    hash := sha256('\x00'::bytea || convert_to(entry, 'UTF8'));
    place := size;
    INSERT INTO log.entries VALUES (size, entry);
    INSERT INTO log.openings VALUES (size, salt, content);
    INSERT INTO log.objects (object, index, kind)
    SELECT named.object, size, append.kind FROM log.objects_of(content) AS named(object);
    INSERT INTO log.nodes VALUES (height, place, hash);
    WHILE place & 1 = 1 LOOP
        SELECT node.hash INTO sibling FROM log.nodes AS node WHERE node.level = height AND node.position = place - 1;
        IF sibling IS NULL THEN
            RAISE data_corrupted USING MESSAGE = 'node ' || (place - 1) || ' of level ' || height || ' is missing';
        END IF;
        hash := sha256('\x01'::bytea || sibling || hash);
        height := height + 1;
        place := place >> 1;
        INSERT INTO log.nodes VALUES (height, place, hash);
    END LOOP;
    RETURN size;
END
$function$"""  # noqa: E501

# The same with what the decisions on the deed were made of (tables.py, decisions): the only way to write
# them, in the transaction of their entry.
APPEND_DECIDED_FUNCTION = r"""CREATE FUNCTION log.append(kind text, salt bytea, content text, decisions text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    place bigint;
BEGIN
    place := log.append(kind, salt, content);
    INSERT INTO log.decisions VALUES (place, decisions);
    RETURN place;
END
$function$"""
