"""The database itself keeps what is final: no service can change a numbered invoice, what it holds, or a
credit note."""

KEEP_FINAL_FUNCTION = """CREATE FUNCTION market.keep_final() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    kept boolean := true;
BEGIN
    IF TG_TABLE_NAME = 'invoices' THEN
        -- only that it is paid may still be written
        kept := TG_OP = 'DELETE' OR NEW.status NOT IN ('final', 'paid')
            OR to_jsonb(NEW) - ARRAY['status', 'paid_at'] <> to_jsonb(OLD) - ARRAY['status', 'paid_at'];
    ELSIF TG_TABLE_NAME IN ('invoice_items', 'invoice_parts') THEN
        kept := EXISTS (SELECT FROM market.invoices AS owner
                        WHERE owner.id = coalesce(NEW.invoice, OLD.invoice) AND owner.number IS NOT NULL);
    END IF;
    IF kept THEN
        RAISE integrity_constraint_violation USING MESSAGE = 'what is final does not change';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$function$"""

# table, when
GUARDED = (
    ("invoices", "UPDATE OR DELETE", "WHEN (OLD.number IS NOT NULL) "),
    ("invoice_items", "INSERT OR UPDATE OR DELETE", ""),
    ("invoice_parts", "INSERT OR UPDATE OR DELETE", ""),
    ("credit_notes", "UPDATE OR DELETE", ""),
    ("credit_note_lines", "UPDATE OR DELETE", ""),
)


def guard(table: str, deeds: str, condition: str) -> str:
    """The statement that guards a table."""
    return (
        f"CREATE TRIGGER keep_final BEFORE {deeds} ON market.{table} "
        f"FOR EACH ROW {condition}EXECUTE FUNCTION market.keep_final()"
    )
