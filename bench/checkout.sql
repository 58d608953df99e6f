-- The twenty statements of a checkout of three lines, in its three transactions, for pgbench.
-- Each client buys as many carts as its share is, one after the other; n counts them, from -1.
\set n :n + 1
\set cart :first + :client_id * :share + :n
\set number random(1, 9000000000000000)

-- Whose cart it is.
SELECT id, token, user_id, version, guest_address, created_at, updated_at
FROM cart_cart WHERE token = 'benchmark-' || lpad(:cart::text, 33, '0') AND user_id IS NULL ORDER BY id LIMIT 1;

-- The claim on the request's key.
BEGIN;
INSERT INTO core_idempotencyclaim
    (scope, owner, key, fingerprint, state, fence, lease_until, response_headers, created_at, expires_at)
VALUES ('orders', 'cart:' || :cart::text, :number::text, repeat('f', 64), 'running', 1, now() + interval '25 s', '{}', now(),
    now() + interval '24 h')
ON CONFLICT DO NOTHING RETURNING id AS claim \gset
COMMIT;

-- Transaction A: the order, waiting for its payment.
BEGIN;
SELECT 1 AS a FROM core_idempotencyclaim WHERE fence = 1 AND id = :claim LIMIT 1 FOR UPDATE;
SELECT id, token, user_id, version, guest_address, created_at, updated_at
FROM cart_cart WHERE id = :cart ORDER BY id LIMIT 1 FOR NO KEY UPDATE;
SELECT array_agg(id ORDER BY id) AS cart_lines, array_agg(product_id ORDER BY id) AS products FROM (
    SELECT id, cart_id, product_id, quantity, seen_price, currency, added_at FROM cart_cartitem WHERE cart_id = :cart ORDER BY id
) found \gset
SELECT p.id, p.sku, p.slug, p.title, p.price, p.currency, p.tax_class, p.weight_grams, p.max_per_order,
    p.is_active AND f.is_active AND s.is_active, coalesce(m.file, ''), coalesce(m.alt, ''), c.slug_path
FROM catalog_product p
JOIN catalog_productfamily f ON f.id = p.family_id
JOIN catalog_seller s ON s.id = f.seller_id
JOIN catalog_category c ON c.id = f.category_id
LEFT JOIN LATERAL (
    SELECT file, alt FROM catalog_productmedia WHERE product_id = p.id AND file <> '' ORDER BY position LIMIT 1
) m ON true
WHERE p.id = ANY(:products::bigint[]);
SELECT 'tariff' AS what, code, name, flat_amount, amount_per_kg, free_from, tax_class, min_days, max_days, false AS included,
    row_number() OVER (ORDER BY position, code) AS place
FROM pricing_shippingmethod
WHERE is_active AND currency = 'USD' AND (countries = '{}' OR 'US' = ANY (countries))
UNION ALL
SELECT 'rate', '', '', rate, NULL, NULL, tax_class, NULL, NULL, is_included, row_number() OVER (ORDER BY region, tax_class)
FROM pricing_taxrate
WHERE country = 'US' AND (region = '' OR upper(region) = upper('NY'))
ORDER BY place;
INSERT INTO payments_payment
    (provider, key, reference, provider_reference, method, status, currency, amount, captured_amount, refunded_amount,
    failure_code, next_action_url, deadline_at, created_at, updated_at)
VALUES ('simulated', gen_random_uuid(), 'HB-' || :number::text, '', 'pm_card_visa', 'created', 'USD', 35, 0, 0, '', '',
    now() + interval '15 min', now(), now())
RETURNING id AS payment \gset
WITH made AS (
    INSERT INTO orders_order
        (number, user_id, cart_id, payment_id, email, status, payment_status, currency, subtotal, shipping, tax, total,
        tax_included, shipping_method, shipping_name, shipping_address, billing_address, quote, notes, idempotency_owner,
        idempotency_key, request_fingerprint, placed_at, updated_at)
    VALUES ('HB-' || :number::text, NULL, :cart, :payment, 'ada@example.com', 'pending_payment', 'pending', 'USD', 30, 5, 0, 35,
        false, 'standard', 'Standard',
        '{"name": "Ada Lovelace", "line1": "350 Fifth Avenue", "line2": "", "city": "New York", "region": "NY", "postal_code": "10118", "country": "US", "phone": "+12125550123"}',
        '{"name": "Ada Lovelace", "line1": "350 Fifth Avenue", "line2": "", "city": "New York", "region": "NY", "postal_code": "10118", "country": "US", "phone": "+12125550123"}',
        '{"lines": [{"product_id": 1, "quantity": 1, "unit_price": {"amount": "10.00", "currency": "USD"}, "total": {"amount": "10.00", "currency": "USD"}, "tax_rate": "0", "tax": {"amount": "0.00", "currency": "USD"}}, {"product_id": 2, "quantity": 1, "unit_price": {"amount": "10.00", "currency": "USD"}, "total": {"amount": "10.00", "currency": "USD"}, "tax_rate": "0", "tax": {"amount": "0.00", "currency": "USD"}}, {"product_id": 3, "quantity": 1, "unit_price": {"amount": "10.00", "currency": "USD"}, "total": {"amount": "10.00", "currency": "USD"}, "tax_rate": "0", "tax": {"amount": "0.00", "currency": "USD"}}], "subtotal": {"amount": "30.00", "currency": "USD"}, "shipping": {"amount": "5.00", "currency": "USD"}, "shipping_tax_rate": "0", "shipping_tax": {"amount": "0.00", "currency": "USD"}, "tax": {"amount": "0.00", "currency": "USD"}, "total": {"amount": "35.00", "currency": "USD"}, "tax_included": false, "shipping_method": "standard", "shipping_name": "Standard", "shipping_methods": [{"code": "standard", "name": "Standard", "amount": {"amount": "5.00", "currency": "USD"}, "min_days": 1, "max_days": 5}]}',
        '', 'cart:' || :cart::text, :number::text, repeat('f', 64), now(), now())
    ON CONFLICT DO NOTHING RETURNING id
), lines AS (
    INSERT INTO orders_orderline
        (order_id, product_id, position, sku, title, quantity, unit_price, total, tax_rate, tax, currency)
    SELECT made.id, r.* FROM made, unnest(
        :products::bigint[], '{0,1,2}'::int[], '{G00000001,G00000002,G00000003}'::text[],
        '{"Backlit glass notebook FD-8493","Compact aluminium tripod BX-1187","Fragrance-free hand cream SB-8410"}'::text[],
        '{1,1,1}'::int[], '{10,10,10}'::numeric[], '{10,10,10}'::numeric[], '{0,0,0}'::numeric[], '{0,0,0}'::numeric[],
        '{USD,USD,USD}'::text[]
    ) AS r (product_id, position, sku, title, quantity, unit_price, total, tax_rate, tax, currency)
    RETURNING order_id, position, id
), steps AS (
    INSERT INTO orders_orderhistory (order_id, kind, from_status, to_status, at, actor_id, note)
    SELECT made.id, r.* FROM made, unnest(
        '{payment,order}'::text[], '{"",""}'::text[], '{pending,pending_payment}'::text[], ARRAY[now(), now()],
        '{NULL,NULL}'::bigint[], '{"",""}'::text[]
    ) AS r (kind, from_status, to_status, at, actor_id, note)
), told AS (
    INSERT INTO core_outboxevent (event_id, topic, key, bucket, type, version, data, occurred_at)
    SELECT gen_random_uuid(), 'order-events', 'HB-' || :number::text, :number::bigint % 64, 'order.created', 1,
        '{"number": "HB-000000-000000", "status": "pending_payment", "total": "35.00", "currency": "USD", "lines": [{"product_id": 1, "quantity": 1}, {"product_id": 2, "quantity": 1}, {"product_id": 3, "quantity": 1}]}'::jsonb || jsonb_build_object('order_id', id),
        now()
    FROM made
)
SELECT min(order_id) AS order_id, array_agg(id ORDER BY position) AS order_lines FROM lines \gset
SELECT inventory_inventory.id, product_id, warehouse_id, quantity, reserved,
    place.is_active, place.priority, place.latitude::float8, place.longitude::float8
FROM inventory_inventory JOIN inventory_warehouse place ON place.id = warehouse_id
WHERE product_id = ANY(:products::bigint[]) ORDER BY product_id, warehouse_id FOR NO KEY UPDATE OF inventory_inventory;
WITH move AS (
    SELECT * FROM unnest(:cart_lines::bigint[], :order_lines::bigint[], '{1,1,1}'::int[])
        AS m (cart_line_id, order_line_id, quantity)
), whole AS (
    SELECT m.cart_line_id, m.order_line_id FROM move m
    JOIN inventory_reservation r ON r.cart_line_id = m.cart_line_id
    GROUP BY m.cart_line_id, m.order_line_id, m.quantity HAVING sum(r.quantity) = m.quantity
)
UPDATE inventory_reservation r SET cart_line_id = NULL, order_line_id = w.order_line_id, expires_at = NULL
FROM whole w WHERE r.cart_line_id = w.cart_line_id
RETURNING w.cart_line_id;
WITH gone AS (DELETE FROM cart_cartitem WHERE cart_id = :cart), touched AS (
    UPDATE cart_cart SET version = version + 1, updated_at = now() WHERE id = :cart RETURNING id, version, user_id, token
), told AS (
    INSERT INTO core_outboxevent (event_id, topic, key, bucket, type, version, data, occurred_at)
    SELECT gen_random_uuid(), 'cart-events', :cart::text, :cart::bigint % 64, 'cart.changed', 1,
        jsonb_build_object('cart_id', id, 'version', version), now()
    FROM touched
)
SELECT user_id, token, version FROM touched;
COMMIT;

-- Here the provider is asked. Transaction B: it said yes.
BEGIN;
SELECT 1 AS a FROM core_idempotencyclaim WHERE fence = 1 AND id = :claim LIMIT 1 FOR UPDATE;
SELECT id, number, user_id, cart_id, payment_id, email, status, payment_status, currency, subtotal, shipping, tax, total,
    tax_included, shipping_method, shipping_name, shipping_address, billing_address, quote, notes, idempotency_owner,
    idempotency_key, request_fingerprint, placed_at, updated_at, archived_at
FROM orders_order WHERE id = :order_id LIMIT 21 FOR NO KEY UPDATE;
SELECT id, provider, key, reference, provider_reference, method, status, currency, amount, captured_amount, refunded_amount,
    failure_code, next_action_url, deadline_at, created_at, updated_at
FROM payments_payment WHERE id = :payment ORDER BY id LIMIT 1 FOR NO KEY UPDATE;
WITH moved AS (
    UPDATE payments_payment SET status = 'authorised', provider_reference = 'sim_' || :number::text, captured_amount = 0,
        refunded_amount = 0, failure_code = '', next_action_url = '', updated_at = now()
    WHERE id = :payment RETURNING id
), asked AS (
    INSERT INTO payments_paymentwork (payment_id, kind, due_at, attempts, last_error, created_at)
    SELECT id, 'capture', now(), 0, '', now() FROM moved WHERE 'capture'::text IS NOT NULL
    ON CONFLICT DO NOTHING
)
INSERT INTO core_auditlog (at, actor_id, action, object_type, object_id, data)
SELECT now(), NULL, 'payment.status', 'payment', id::text, '{"from": "created", "to": "authorised"}'::jsonb FROM moved;
SELECT inventory_inventory.id, product_id, warehouse_id, quantity, reserved,
    place.is_active, place.priority, place.latitude::float8, place.longitude::float8
FROM inventory_inventory JOIN inventory_warehouse place ON place.id = warehouse_id
WHERE product_id IN (
    SELECT kept.product_id FROM inventory_reservation JOIN inventory_inventory kept ON kept.id = inventory_id
    WHERE (cart_line_id = ANY('{}'::bigint[]) OR order_line_id = ANY(:order_lines::bigint[]))
)
ORDER BY product_id, warehouse_id FOR NO KEY UPDATE OF inventory_inventory;
WITH gone AS (
    DELETE FROM inventory_reservation WHERE order_line_id = ANY(:order_lines::bigint[])
    RETURNING inventory_id, order_line_id, quantity
), taken AS (
    UPDATE inventory_inventory i SET quantity = i.quantity - g.units, reserved = i.reserved - g.units
    FROM (SELECT inventory_id, sum(quantity) AS units FROM gone GROUP BY inventory_id) g
    WHERE i.id = g.inventory_id
), noted AS (
    INSERT INTO inventory_stockmovement (inventory_id, kind, quantity, reason, reference, at)
    SELECT inventory_id, 'sold', -quantity, '', 'HB-' || :number::text, now() FROM gone
)
INSERT INTO inventory_allocation (order_line_id, product_id, warehouse_id, quantity, restocked, created_at)
SELECT g.order_line_id, i.product_id, i.warehouse_id, g.quantity, 0, now()
FROM gone g JOIN inventory_inventory i ON i.id = g.inventory_id
RETURNING order_line_id;
WITH moved AS (
    UPDATE orders_order SET status = 'paid', payment_status = 'authorised', updated_at = now() WHERE id = :order_id RETURNING id
), told AS (
    INSERT INTO core_outboxevent (event_id, topic, key, bucket, type, version, data, occurred_at)
    SELECT gen_random_uuid(), 'order-events', 'HB-' || :number::text, :number::bigint % 64, 'order.paid', 1,
        '{"number": "HB-000000-000000", "status": "paid", "total": "35.000", "currency": "USD"}'::jsonb
        || jsonb_build_object('order_id', id, 'lines', (
            SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id, 'quantity', l.quantity) ORDER BY l.position)
            FROM orders_orderline l WHERE l.order_id = moved.id
        )),
        now()
    FROM moved
)
INSERT INTO orders_orderhistory (order_id, kind, from_status, to_status, at, actor_id, note)
SELECT moved.id, r.* FROM moved, unnest(
    '{payment,order}'::text[], '{pending,pending_payment}'::text[], '{authorised,paid}'::text[], ARRAY[now(), now()],
    '{NULL,NULL}'::bigint[], '{"",""}'::text[]
) AS r (kind, from_status, to_status, at, actor_id, note);
UPDATE core_idempotencyclaim SET state = 'done', response_status = 201,
    response_headers = '{"Content-Type": "application/json", "Location": "/api/v1/orders/HB-000000-000000"}',
    response_body = convert_to(repeat('{"number": "12"}', 120), 'UTF8'), completed_at = now(),
    expires_at = now() + interval '24 h'
WHERE fence = 1 AND id = :claim;
COMMIT;
