-- Copyright (c) The pbxops.yeastar authors
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A ledger that release 0.2.0 wrote, as "sqlite3 .dump" tells it. base_url was spelled in several ways; 0.2.0 took some
-- spellings of one address for portals of their own.
BEGIN TRANSACTION;
CREATE TABLE yeastar_history (
        at TEXT NOT NULL, portal TEXT NOT NULL, product_no TEXT NOT NULL, expires_at TEXT NOT NULL,
        generation INTEGER NOT NULL, status TEXT NOT NULL, run_id TEXT NOT NULL, order_no TEXT, note TEXT NOT NULL);
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:17:07Z','https://openapi.partner.yeastar.com','3658B431119665QJ','2025-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:17:14Z','https://openapi.partner.yeastar.com','3658B431119665QJ','2025-12-05T00:00:00Z',1,'intended','night',NULL,'sending');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:17:21Z','https://openapi.partner.yeastar.com','3658B431119665QJ','2025-12-05T00:00:00Z',1,'accepted','night','BN10','order BN10 is accepted');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:17:28Z','https://openapi.partner.yeastar.com','3658B431119665QJ','2025-12-05T00:00:00Z',1,'renewed','night','BN10','renewed by order BN10');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:17:35Z','https://openapi.partner.yeastar.com','3658B431119665QJ','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:17:42Z','https://openapi.partner.yeastar.com','3658B431119665QJ','2026-12-05T00:00:00Z',1,'unknown','night',NULL,'the answer timed out');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:17:56Z','http://127.0.0.1:8080','3658B431119665QJ','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:18:03Z','http://127.0.0.1:8080','3658B431119665QJ','2026-12-05T00:00:00Z',1,'unknown','night',NULL,'the answer timed out');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:18:10Z','http://127.0.0.1:8080','0036580000012345','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:18:17Z','http://127.0.0.1:8080','0036580000012345','2026-12-05T00:00:00Z',1,'absent','night',NULL,'it was not ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:18:24Z','http://127.0.0.1:8080','3631E3418911','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:18:31Z','http://127.0.0.1:8080','3631E3418911','2026-12-05T00:00:00Z',1,'accepted','night','BN12','order BN12 is accepted');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:18:52Z','http://localhost:8080','3658B431119665QJ','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:18:59Z','http://localhost:8080','3658B431119665QJ','2026-12-05T00:00:00Z',1,'rejected','night',NULL,'refused: quantity');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:19:06Z','http://localhost:8080','0036580000012345','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:19:13Z','http://localhost:8080','0036580000012345','2026-12-05T00:00:00Z',1,'accepted','night','BN15','order BN15 is accepted');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:19:20Z','http://localhost:8080','0036580000012345','2026-12-05T00:00:00Z',1,'renewed','night','BN15','renewed by order BN15');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:19:34Z','http://[::1]:8080','3658B431119002QL','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:19:41Z','http://[::1]:8080','0036580000012345','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:19:48Z','http://[::1]:8080','0036580000012345','2026-12-05T00:00:00Z',1,'dead','night',NULL,'cancelled');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:19:55Z','http://[::1]:8080','0036580000012345','2026-12-05T00:00:00Z',2,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:20:02Z','http://[::1]:8080','0036580000012345','2026-12-05T00:00:00Z',2,'not_sent','night',NULL,'no connection');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:20:16Z','https://portal.example','A','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:20:23Z','https://portal.example.','B','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:20:30Z','https://portal.example:','C','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
INSERT INTO "yeastar_history" VALUES('2026-11-23T06:20:37Z','https://portal.example:0443','D','2026-12-05T00:00:00Z',1,'intended','night',NULL,'to be ordered');
CREATE TABLE yeastar_intent (
        portal TEXT NOT NULL, product_no TEXT NOT NULL, expires_at TEXT NOT NULL, account TEXT NOT NULL,
        run_id TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('intended', 'unknown', 'accepted', 'renewed', 'not_sent', 'rejected', 'absent', 'dead')),
        generation INTEGER NOT NULL CHECK (generation > 0), billing_cycle TEXT NOT NULL, quantity INTEGER NOT NULL,
        po_number TEXT NOT NULL, uncertain_since TEXT NOT NULL, portal_uncertain_since TEXT, order_no TEXT,
        transaction_no TEXT, order_status TEXT, note TEXT NOT NULL, plan_id TEXT, service_ids TEXT, price_amount TEXT,
        price_currency TEXT,
        PRIMARY KEY (portal, product_no, expires_at));
INSERT INTO "yeastar_intent" VALUES('https://openapi.partner.yeastar.com','3658B431119665QJ','2025-12-05T00:00:00Z','client-1','night','renewed',1,'annually',100,'RN20251205-0123abcd','2026-11-23T06:17:00Z','2026-11-23T06:17:00Z','BN10','QO10','succeed','renewed by order BN10','3048571730026938368','3048573935752720384','1680.00','USD');
INSERT INTO "yeastar_intent" VALUES('https://openapi.partner.yeastar.com','3658B431119665QJ','2026-12-05T00:00:00Z','client-1','night','unknown',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:17:28Z','2026-11-23T06:17:28Z',NULL,NULL,NULL,'the answer timed out','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('http://127.0.0.1:8080','3658B431119665QJ','2026-12-05T00:00:00Z','client-1','night','unknown',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:17:49Z','2026-11-23T06:17:49Z',NULL,NULL,NULL,'the answer timed out','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('http://127.0.0.1:8080','0036580000012345','2026-12-05T00:00:00Z','client-1','night','absent',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:18:03Z','2026-11-23T06:18:03Z',NULL,NULL,NULL,'it was not ordered','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('http://127.0.0.1:8080','3631E3418911','2026-12-05T00:00:00Z','client-1','night','accepted',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:18:17Z','2026-11-23T06:18:17Z','BN12',NULL,'pending','order BN12 is accepted','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('http://localhost:8080','3658B431119665QJ','2026-12-05T00:00:00Z','client-1','night','rejected',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:18:45Z','2026-11-23T06:18:45Z',NULL,NULL,NULL,'refused: quantity','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('http://localhost:8080','0036580000012345','2026-12-05T00:00:00Z','client-1','night','renewed',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:18:59Z','2026-11-23T06:18:59Z','BN15',NULL,NULL,'renewed by order BN15','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('http://[::1]:8080','3658B431119002QL','2026-12-05T00:00:00Z','client-1','night','intended',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:19:27Z','2026-11-23T06:19:27Z',NULL,NULL,NULL,'to be ordered','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('http://[::1]:8080','0036580000012345','2026-12-05T00:00:00Z','client-1','night','not_sent',2,'annually',100,'RN20261205-0123abcd','2026-11-23T06:19:34Z','2026-11-23T06:19:34Z',NULL,NULL,NULL,'no connection','3048571730026938368','3048573935752720384',NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('https://portal.example','A','2026-12-05T00:00:00Z','client-1','night','intended',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:20:09Z',NULL,NULL,NULL,NULL,'to be ordered',NULL,NULL,NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('https://portal.example.','B','2026-12-05T00:00:00Z','client-1','night','intended',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:20:16Z',NULL,NULL,NULL,NULL,'to be ordered',NULL,NULL,NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('https://portal.example:','C','2026-12-05T00:00:00Z','client-1','night','intended',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:20:23Z',NULL,NULL,NULL,NULL,'to be ordered',NULL,NULL,NULL,NULL);
INSERT INTO "yeastar_intent" VALUES('https://portal.example:0443','D','2026-12-05T00:00:00Z','client-1','night','intended',1,'annually',100,'RN20261205-0123abcd','2026-11-23T06:20:30Z',NULL,NULL,NULL,NULL,'to be ordered',NULL,NULL,NULL,NULL);
CREATE TABLE yeastar_reservation (
        run_id TEXT NOT NULL, holder TEXT NOT NULL, product_no TEXT NOT NULL, amount TEXT, currency TEXT,
        PRIMARY KEY (run_id, holder, product_no));
INSERT INTO "yeastar_reservation" VALUES('night','holder-1','3658B431119665QJ','1680.00','USD');
INSERT INTO "yeastar_reservation" VALUES('night','holder-1','3631E3418911',NULL,NULL);
INSERT INTO "yeastar_reservation" VALUES('night','holder-2','3658B431119665QJ','1680.00','USD');
CREATE TABLE yeastar_schema (version INTEGER NOT NULL);
INSERT INTO "yeastar_schema" VALUES(2);
CREATE TABLE yeastar_spent_plan (digest TEXT PRIMARY KEY, run_id TEXT NOT NULL, at TEXT NOT NULL);
INSERT INTO "yeastar_spent_plan" VALUES('abababababababababababababababababababababababababababababababab','night','2026-11-23T06:20:44Z');
CREATE TABLE yeastar_unrelated_order (
        portal TEXT NOT NULL, product_no TEXT NOT NULL, order_no TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (portal, order_no));
INSERT INTO "yeastar_unrelated_order" VALUES('https://openapi.partner.yeastar.com','3658B431119665QJ','BN11','50 more extensions','2026-11-23T06:17:49Z');
INSERT INTO "yeastar_unrelated_order" VALUES('http://127.0.0.1:8080','3658B431119665QJ','BN13','an expansion','2026-11-23T06:18:38Z');
INSERT INTO "yeastar_unrelated_order" VALUES('http://127.0.0.1:8080','3658B431119665QJ','BN14','a service','2026-11-23T06:18:45Z');
INSERT INTO "yeastar_unrelated_order" VALUES('http://localhost:8080','3658B431119665QJ','BN13','still an expansion','2026-11-23T06:19:27Z');
INSERT INTO "yeastar_unrelated_order" VALUES('http://[::1]:8080','3658B431119002QL','BN16','a service','2026-11-23T06:20:09Z');
COMMIT;
