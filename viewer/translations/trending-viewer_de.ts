<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
<context>
    <name>MainWords</name>
    <message>
        <source>libpq connection string, URI or database name; what it leaves out comes from the environment, as for psql.</source>
        <translation>Verbindungszeichenkette von libpq, URI oder Name der Datenbank; was sie auslässt, kommt wie bei psql aus der Umgebung.</translation>
    </message>
    <message>
        <source>conninfo</source>
        <translation>Verbindung</translation>
    </message>
    <message>
        <source>Trend to show.</source>
        <translation>Trend, der gezeigt wird.</translation>
    </message>
    <message>
        <source>name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Items to show, 5 to 50.</source>
        <translation>Anzahl der Einträge, 5 bis 50.</translation>
    </message>
    <message>
        <source>count</source>
        <translation>Anzahl</translation>
    </message>
    <message>
        <source>Least time between refreshes in seconds (default 1).</source>
        <translation>Mindestzeit zwischen Aktualisierungen in Sekunden (sonst 1).</translation>
    </message>
    <message>
        <source>seconds</source>
        <translation>Sekunden</translation>
    </message>
    <message>
        <source>Page to open: ranking, time, definition, health.</source>
        <translation>Seite, die geöffnet wird: ranking, time, definition, health.</translation>
    </message>
    <message>
        <source>page</source>
        <translation>Seite</translation>
    </message>
    <message>
        <source>light, dark or desktop.</source>
        <translation>light (hell), dark (dunkel) oder desktop.</translation>
    </message>
    <message>
        <source>theme</source>
        <translation>Aussehen</translation>
    </message>
    <message>
        <source>Size of the window, as 1280x800.</source>
        <translation>Größe des Fensters, etwa 1280x800.</translation>
    </message>
    <message>
        <source>size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Connect, wait for data, write a picture of the window to FILE (PNG) and exit. Works without a display with QT_QPA_PLATFORM=offscreen.</source>
        <translation>Verbinden, auf Daten warten, ein Bild des Fensters nach DATEI (PNG) schreiben und enden. Geht mit QT_QPA_PLATFORM=offscreen ohne Bildschirm.</translation>
    </message>
    <message>
        <source>FILE</source>
        <translation>DATEI</translation>
    </message>
    <message>
        <source>With --screenshot: further seconds to wait after the first data (default 0).</source>
        <translation>Mit --screenshot: weitere Sekunden nach den ersten Daten (sonst 0).</translation>
    </message>
    <message>
        <source>Start in full screen.</source>
        <translation>Im Vollbild beginnen.</translation>
    </message>
    <message>
        <source>Shows the live rankings of the trending extension of PostgreSQL.</source>
        <translation>Zeigt die laufenden Ranglisten der PostgreSQL-Erweiterung trending.</translation>
    </message>
    <message>
        <source>As --connection.</source>
        <translation>Wie --connection.</translation>
    </message>
    <message>
        <source>--interval wants seconds, at least 0.1</source>
        <translation>--interval braucht Sekunden, mindestens 0.1</translation>
    </message>
    <message>
        <source>--top wants a number from 5 to 50</source>
        <translation>--top braucht eine Zahl von 5 bis 50</translation>
    </message>
    <message>
        <source>--page wants one of %1</source>
        <translation>--page braucht eines von %1</translation>
    </message>
    <message>
        <source>--theme wants one of %1</source>
        <translation>--theme braucht eines von %1</translation>
    </message>
    <message>
        <source>--size wants a width and a height, as 1280x800</source>
        <translation>--size braucht Breite und Höhe, etwa 1280x800</translation>
    </message>
</context>
<context>
    <name>ProblemWords</name>
    <message>
        <source>the server</source>
        <translation>dem Server</translation>
    </message>
    <message>
        <source>A password is needed</source>
        <translation>Ein Passwort ist nötig</translation>
    </message>
    <message>
        <source>%1 asks for a password.</source>
        <translation>Für %1 wird ein Passwort verlangt.</translation>
    </message>
    <message>
        <source>Open “Connect…” and type it, or put it into ~/.pgpass so that it need not be typed again.</source>
        <translation>Unter „Verbinden …“ eingeben, oder in ~/.pgpass eintragen, damit es nicht wieder nötig ist.</translation>
    </message>
    <message>
        <source>The server does not answer</source>
        <translation>Der Server antwortet nicht</translation>
    </message>
    <message>
        <source>There has been no answer from %1 for %2. What is shown may be old.</source>
        <translation>Von %1 kommt seit %2 keine Antwort. Was zu sehen ist, kann veraltet sein.</translation>
    </message>
    <message>
        <source>If this lasts, the viewer connects again. Look at the server&apos;s load and at the network between.</source>
        <translation>Dauert es an, wird die Verbindung aufgegeben und neu aufgebaut. Ein Blick auf die Last des Servers und das Netz dazwischen hilft.</translation>
    </message>
    <message>
        <source>Connecting…</source>
        <translation>Verbindet …</translation>
    </message>
    <message>
        <source>Waiting for %1.</source>
        <translation>Warten auf %1.</translation>
    </message>
    <message>
        <source>Not connected</source>
        <translation>Nicht verbunden</translation>
    </message>
    <message>
        <source>No server has been chosen yet.</source>
        <translation>Noch ist kein Server gewählt.</translation>
    </message>
    <message>
        <source>Open “Connect…” and name one.</source>
        <translation>Unter „Verbinden …“ einen nennen.</translation>
    </message>
    <message>
        <source>No connection to %1</source>
        <translation>Keine Verbindung zu %1</translation>
    </message>
    <message>
        <source>Check that the server runs, that host, port and database are right and that pg_hba.conf lets you in.</source>
        <translation>Läuft der Server? Stimmen Rechner, Port und Datenbank? Lässt pg_hba.conf den Zugang zu?</translation>
    </message>
    <message>
        <source>The extension is not in database “%1”</source>
        <translation>Die Erweiterung ist nicht in Datenbank „%1“</translation>
    </message>
    <message>
        <source>This server is a standby: what its primary does not have, it cannot have.</source>
        <translation>Dieser Server ist ein Standby: Was sein Primärserver nicht hat, kann er nicht haben.</translation>
    </message>
    <message>
        <source>Create the extension on the primary.</source>
        <translation>Die Erweiterung auf dem Primärserver anlegen.</translation>
    </message>
    <message>
        <source>The extension is not on this server</source>
        <translation>Die Erweiterung ist nicht auf diesem Server</translation>
    </message>
    <message>
        <source>The files of trending are not installed at %1.</source>
        <translation>Die Dateien von trending sind auf %1 nicht installiert.</translation>
    </message>
    <message>
        <source>Install them there, add trending to shared_preload_libraries, restart the server, then create the extension in the database.</source>
        <translation>Dort installieren, trending in shared_preload_libraries aufnehmen, den Server neu starten und die Erweiterung in der Datenbank anlegen.</translation>
    </message>
    <message>
        <source>The server has it, this database does not.</source>
        <translation>Der Server hat sie, diese Datenbank nicht.</translation>
    </message>
    <message>
        <source>Create it, as a superuser. This window notices by itself.</source>
        <translation>Als Superuser anlegen. Dieses Fenster bemerkt es von selbst.</translation>
    </message>
    <message>
        <source>wal_level is “%1”</source>
        <translation>wal_level ist „%1“</translation>
    </message>
    <message>
        <source>Changes can only be followed with wal_level = logical.</source>
        <translation>Änderungen lassen sich nur mit wal_level = logical verfolgen.</translation>
    </message>
    <message>
        <source>Set it and restart the server.</source>
        <translation>Einstellen und den Server neu starten.</translation>
    </message>
    <message>
        <source>trending is not preloaded</source>
        <translation>trending ist nicht vorgeladen</translation>
    </message>
    <message>
        <source>No worker runs unless shared_preload_libraries names trending.</source>
        <translation>Ein Worker läuft nur, wenn shared_preload_libraries trending nennt.</translation>
    </message>
    <message>
        <source>Add it and restart the server.</source>
        <translation>Eintragen und den Server neu starten.</translation>
    </message>
    <message>
        <source>The replication slot is lost</source>
        <translation>Der Replikations-Slot ist verloren</translation>
    </message>
    <message>
        <source>The server removed WAL that slot “%1” still needed, so changes are missing.</source>
        <translation>Der Server hat WAL entfernt, das Slot „%1“ noch brauchte; Änderungen fehlen.</translation>
    </message>
    <message>
        <source>The worker makes a new slot and counts the sources again by itself. Raise max_slot_wal_keep_size if this comes back.</source>
        <translation>Der Worker legt von selbst einen neuen Slot an und zählt die Quellen neu. Kommt es wieder vor: max_slot_wal_keep_size erhöhen.</translation>
    </message>
    <message>
        <source>The worker is %1</source>
        <translation>Worker: %1</translation>
    </message>
    <message>
        <source>It loads its checkpoint and catches up with the WAL.</source>
        <translation>Er lädt seinen Checkpoint und holt das WAL auf.</translation>
    </message>
    <message>
        <source>Nothing to do: the list comes back when it is done.</source>
        <translation>Nichts zu tun: Danach kommt die Liste wieder.</translation>
    </message>
    <message>
        <source>The worker is not running</source>
        <translation>Der Worker läuft nicht</translation>
    </message>
    <message>
        <source>Nothing follows the changes of this database: what is shown is old.</source>
        <translation>Nichts folgt den Änderungen dieser Datenbank: Was zu sehen ist, ist alt.</translation>
    </message>
    <message>
        <source>It starts again by itself within seconds. If it does not, the server&apos;s log says why.</source>
        <translation>Er startet innerhalb von Sekunden von selbst neu. Wenn nicht, steht der Grund im Log des Servers.</translation>
    </message>
    <message>
        <source>%1 has stopped</source>
        <translation>%1 ist stehen geblieben</translation>
    </message>
    <message>
        <source>Other trends go on. Mend the cause, or drop the trend and create it again.</source>
        <translation>Andere Trends laufen weiter. Die Ursache beheben, oder den Trend löschen und neu anlegen.</translation>
    </message>
    <message>
        <source>%1 is being filled</source>
        <translation>%1 wird gefüllt</translation>
    </message>
    <message>
        <source>Rows that were in %1 before the trend are being counted.</source>
        <translation>Zeilen, die vor dem Trend in %1 waren, werden gezählt.</translation>
    </message>
    <message>
        <source>Nothing to do: the ranking appears when it is done.</source>
        <translation>Nichts zu tun: Danach erscheint die Rangliste.</translation>
    </message>
    <message>
        <source>%1 may not be read</source>
        <translation>%1 darf nicht gelesen werden</translation>
    </message>
    <message>
        <source>Ask its owner (%1) for the right.</source>
        <translation>Das Recht gibt der Eigentümer (%1).</translation>
    </message>
    <message>
        <source>%1 cannot be read</source>
        <translation>%1 kann nicht gelesen werden</translation>
    </message>
    <message>
        <source>%1 is at its bound</source>
        <translation>%1 ist an der Grenze</translation>
    </message>
    <message>
        <source>%1 events were refused because max_groups (%2) or the memory limit is reached. The groups it has stay exact.</source>
        <translation>%1 Ereignisse wurden abgewiesen, weil max_groups (%2) oder die Speichergrenze erreicht ist. Die vorhandenen Gruppen bleiben exakt.</translation>
    </message>
    <message>
        <source>Narrow the definition, or create it with a larger max_groups.</source>
        <translation>Die Definition enger fassen oder mit größerem max_groups anlegen.</translation>
    </message>
    <message>
        <source>No trends yet</source>
        <translation>Noch keine Trends</translation>
    </message>
    <message>
        <source>Database “%1” has no trend that %2 may read.</source>
        <translation>Datenbank „%1“ hat keinen Trend, den %2 lesen darf.</translation>
    </message>
    <message>
        <source>Create one, or ask the owner of one for SELECT on it. The shortest way is:</source>
        <translation>Einen anlegen, oder sich vom Eigentümer SELECT geben lassen. Der kürzeste Weg:</translation>
    </message>
    <message>
        <source>%1 needs attention</source>
        <translation>%1 braucht Aufmerksamkeit</translation>
    </message>
    <message>
        <source>The ranking itself goes on.</source>
        <translation>Die Rangliste selbst läuft weiter.</translation>
    </message>
    <message>
        <source>The worker does not get on</source>
        <translation>Der Worker kommt nicht weiter</translation>
    </message>
    <message>
        <source>%1 of WAL wait, and nothing has been counted for %2. What is shown is as old.</source>
        <translation>%1 WAL warten, und seit %2 ist nichts gezählt worden. So alt ist, was zu sehen ist.</translation>
    </message>
    <message>
        <source>A large transaction is counted when it is committed. If there is none, look at process %1: it may be stopped or waiting.</source>
        <translation>Eine große Transaktion wird gezählt, wenn sie festgeschrieben ist. Gibt es keine: Prozess %1 kann angehalten sein oder warten.</translation>
    </message>
</context>
<context>
    <name>StatusWords</name>
    <message>
        <source>running</source>
        <translation>läuft</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>steht</translation>
    </message>
    <message>
        <source>filling</source>
        <translation>wird gefüllt</translation>
    </message>
    <message>
        <source>starting</source>
        <translation>startet</translation>
    </message>
    <message>
        <source>recovering</source>
        <translation>stellt wieder her</translation>
    </message>
    <message>
        <source>unavailable</source>
        <translation>nicht da</translation>
    </message>
    <message>
        <source>down</source>
        <translation>nicht da</translation>
    </message>
    <message>
        <source>worker down</source>
        <translation>Worker fehlt</translation>
    </message>
</context>
<context>
    <name>TextWords</name>
    <message>
        <source>%1 ms</source>
        <translation>%1 ms</translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation>%1 s</translation>
    </message>
    <message>
        <source>%1 min</source>
        <translation>%1 min</translation>
    </message>
    <message>
        <source>%1 h</source>
        <translation>%1 h</translation>
    </message>
    <message>
        <source>%1 d</source>
        <translation>%1 T</translation>
    </message>
    <message>
        <source>%1/s</source>
        <translation>%1/s</translation>
    </message>
    <message>
        <source>NULL</source>
        <translation>NULL</translation>
    </message>
    <message>
        <source>%1 year</source>
        <translation>%1 Jahr</translation>
    </message>
    <message>
        <source>%1 years</source>
        <translation>%1 Jahre</translation>
    </message>
    <message>
        <source>%1 month</source>
        <translation>%1 Monat</translation>
    </message>
    <message>
        <source>%1 months</source>
        <translation>%1 Monate</translation>
    </message>
    <message>
        <source>%1 day</source>
        <translation>%1 Tag</translation>
    </message>
    <message>
        <source>%1 days</source>
        <translation>%1 Tage</translation>
    </message>
</context>
<context>
    <name>WindowWords</name>
    <message>
        <source>tumbling window</source>
        <translation>festes Fenster</translation>
    </message>
    <message>
        <source>hopping window</source>
        <translation>gleitendes Fenster</translation>
    </message>
    <message>
        <source>cumulating window</source>
        <translation>wachsendes Fenster</translation>
    </message>
    <message>
        <source>session windows</source>
        <translation>Sitzungsfenster</translation>
    </message>
    <message>
        <source>every %1</source>
        <translation>alle %1</translation>
    </message>
    <message>
        <source>%1, every %2</source>
        <translation>%1, alle %2</translation>
    </message>
    <message>
        <source>up to %1, in steps of %2</source>
        <translation>bis %1, in Schritten von %2</translation>
    </message>
    <message>
        <source>sessions with a gap of %1</source>
        <translation>Sitzungen mit Lücke von %1</translation>
    </message>
    <message>
        <source>decaying values</source>
        <translation>abklingende Werte</translation>
    </message>
    <message>
        <source>no window</source>
        <translation>kein Fenster</translation>
    </message>
    <message>
        <source>half-life %1</source>
        <translation>Halbwertszeit %1</translation>
    </message>
    <message>
        <source>all rows</source>
        <translation>alle Zeilen</translation>
    </message>
</context>
<context>
    <name>conninfo</name>
    <message>
        <source>service %1</source>
        <translation>Dienst %1</translation>
    </message>
    <message>
        <source>this machine</source>
        <translation>diesem Rechner</translation>
    </message>
    <message>
        <source>%1 on %2</source>
        <translation>%1 auf %2</translation>
    </message>
</context>
<context>
    <name>exporter</name>
    <message>
        <source>%1 could not be written: %2</source>
        <translation>%1 war nicht zu schreiben: %2</translation>
    </message>
</context>
<context>
    <name>trending::BarRace</name>
    <message>
        <source>Ranking as bars</source>
        <translation>Rangliste als Balken</translation>
    </message>
    <message>
        <source>NEW</source>
        <translation>NEU</translation>
    </message>
    <message>
        <source>Rank %1, value %2</source>
        <translation>Rang %1, Wert %2</translation>
    </message>
    <message>
        <source>Key %1</source>
        <translation>Schlüssel %1</translation>
    </message>
    <message>
        <source>Not in the list in the window before</source>
        <translation>Im Fenster davor nicht in der Liste</translation>
    </message>
    <message>
        <source>Rank %1 in the window before</source>
        <translation>Im Fenster davor Rang %1</translation>
    </message>
    <message>
        <source>%1: %2, %3</source>
        <translation>%1: %2, %3</translation>
    </message>
</context>
<context>
    <name>trending::ConnectionDialog</name>
    <message>
        <source>Host</source>
        <translation>Rechner</translation>
    </message>
    <message>
        <source>this machine</source>
        <translation>dieser Rechner</translation>
    </message>
    <message>
        <source>Port</source>
        <translation>Port</translation>
    </message>
    <message>
        <source>Database</source>
        <translation>Datenbank</translation>
    </message>
    <message>
        <source>as the user</source>
        <translation>wie der Benutzer</translation>
    </message>
    <message>
        <source>User</source>
        <translation>Benutzer</translation>
    </message>
    <message>
        <source>as the system&apos;s</source>
        <translation>wie im System</translation>
    </message>
    <message>
        <source>Password</source>
        <translation>Passwort</translation>
    </message>
    <message>
        <source>from .pgpass, or none</source>
        <translation>aus .pgpass, oder keines</translation>
    </message>
    <message>
        <source>Service</source>
        <translation>Dienst</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keiner</translation>
    </message>
    <message>
        <source>Connection string</source>
        <translation>Verbindungszeichenkette</translation>
    </message>
    <message>
        <source>Connect to PostgreSQL</source>
        <translation>Mit PostgreSQL verbinden</translation>
    </message>
    <message>
        <source>TLS</source>
        <translation>TLS</translation>
    </message>
    <message>
        <source>As the server offers (prefer)</source>
        <translation>Wie der Server es anbietet (prefer)</translation>
    </message>
    <message>
        <source>Never (disable)</source>
        <translation>Nie (disable)</translation>
    </message>
    <message>
        <source>Always (require)</source>
        <translation>Immer (require)</translation>
    </message>
    <message>
        <source>Always, known authority (verify-ca)</source>
        <translation>Immer, bekannte Zertifizierungsstelle (verify-ca)</translation>
    </message>
    <message>
        <source>Always, and the right host (verify-full)</source>
        <translation>Immer, und der richtige Rechner (verify-full)</translation>
    </message>
    <message>
        <source>&amp;Host, port</source>
        <translation>&amp;Rechner, Port</translation>
    </message>
    <message>
        <source>&amp;Database</source>
        <translation>&amp;Datenbank</translation>
    </message>
    <message>
        <source>&amp;User</source>
        <translation>&amp;Benutzer</translation>
    </message>
    <message>
        <source>&amp;Password</source>
        <translation>&amp;Passwort</translation>
    </message>
    <message>
        <source>&amp;TLS</source>
        <translation>&amp;TLS</translation>
    </message>
    <message>
        <source>&amp;Service</source>
        <translation>D&amp;ienst</translation>
    </message>
    <message>
        <source>Connection &amp;string</source>
        <translation>&amp;Zeichenkette</translation>
    </message>
    <message>
        <source>Fields left empty come from the environment (PGHOST, PGSERVICE, …), as for psql. The password is not stored; put it into ~/.pgpass to be asked no more.</source>
        <translation>Was leer bleibt, kommt wie bei psql aus der Umgebung (PGHOST, PGSERVICE, …). Das Passwort wird nicht gespeichert; in ~/.pgpass eingetragen, wird nicht mehr danach gefragt.</translation>
    </message>
    <message>
        <source>Connect</source>
        <translation>Verbinden</translation>
    </message>
</context>
<context>
    <name>trending::DefinitionPage</name>
    <message>
        <source>Definition as SQL</source>
        <translation>Definition als SQL</translation>
    </message>
    <message>
        <source>How the trend is kept</source>
        <translation>Wie der Trend geführt wird</translation>
    </message>
    <message>
        <source>Copy SQL</source>
        <translation>SQL kopieren</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>Quelle</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>Fenster</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>Label</source>
        <translation>Bezeichnung</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>Ranked within</source>
        <translation>Rang innerhalb von</translation>
    </message>
    <message>
        <source>Owner</source>
        <translation>Eigentümer</translation>
    </message>
    <message>
        <source>Created</source>
        <translation>Erstellt</translation>
    </message>
    <message>
        <source>Watermark delay</source>
        <translation>Verzug der Marke</translation>
    </message>
    <message>
        <source>Allowed lateness</source>
        <translation>Erlaubte Verspätung</translation>
    </message>
    <message>
        <source>Late events</source>
        <translation>Verspätete</translation>
    </message>
    <message>
        <source>Idle timeout</source>
        <translation>Ruhezeit</translation>
    </message>
    <message>
        <source>Max ahead</source>
        <translation>Höchster Vorlauf</translation>
    </message>
    <message>
        <source>History</source>
        <translation>Geschichte</translation>
    </message>
    <message>
        <source>every group</source>
        <translation>alle Gruppen</translation>
    </message>
    <message>
        <source>best %1 of a window</source>
        <translation>beste %1 je Fenster</translation>
    </message>
    <message>
        <source>Retention</source>
        <translation>Aufbewahrung</translation>
    </message>
    <message>
        <source>for ever</source>
        <translation>für immer</translation>
    </message>
    <message>
        <source>Max groups</source>
        <translation>Gruppen höchstens</translation>
    </message>
</context>
<context>
    <name>trending::HealthPage</name>
    <message>
        <source>Worker</source>
        <translation>Worker</translation>
    </message>
    <message>
        <source>The background worker that follows this database</source>
        <translation>Der Hintergrundprozess, der dieser Datenbank folgt</translation>
    </message>
    <message>
        <source>Events</source>
        <translation>Ereignisse</translation>
    </message>
    <message>
        <source>Events counted a second, all trends together</source>
        <translation>Gezählte Ereignisse je Sekunde, alle Trends zusammen</translation>
    </message>
    <message>
        <source>Lag</source>
        <translation>Rückstand</translation>
    </message>
    <message>
        <source>WAL written and not yet applied</source>
        <translation>WAL, das geschrieben und noch nicht verarbeitet ist</translation>
    </message>
    <message>
        <source>Lag in time</source>
        <translation>Rückstand als Zeit</translation>
    </message>
    <message>
        <source>Estimated: the bytes behind, over the bytes applied a second</source>
        <translation>Geschätzt: rückständige Bytes durch verarbeitete Bytes je Sekunde</translation>
    </message>
    <message>
        <source>Checkpoint</source>
        <translation>Checkpoint</translation>
    </message>
    <message>
        <source>Since state and position were last made durable</source>
        <translation>Seit Zustand und Position zuletzt dauerhaft wurden</translation>
    </message>
    <message>
        <source>WAL held</source>
        <translation>WAL gehalten</translation>
    </message>
    <message>
        <source>WAL that the replication slot keeps from being removed</source>
        <translation>WAL, das der Replikations-Slot vor dem Entfernen bewahrt</translation>
    </message>
    <message>
        <source>Transactions</source>
        <translation>Transaktionen</translation>
    </message>
    <message>
        <source>Transactions applied a second</source>
        <translation>Verarbeitete Transaktionen je Sekunde</translation>
    </message>
    <message>
        <source>Events a second in the last minutes</source>
        <translation>Ereignisse je Sekunde in den letzten Minuten</translation>
    </message>
    <message>
        <source>Lag in the last minutes</source>
        <translation>Rückstand in den letzten Minuten</translation>
    </message>
    <message>
        <source>Figures of every trend</source>
        <translation>Zahlen aller Trends</translation>
    </message>
    <message>
        <source>Process %1. %2</source>
        <translation>Prozess %1. %2</translation>
    </message>
    <message>
        <source>&lt; 1 ms</source>
        <translation>&lt; 1 ms</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>%1 ago</source>
        <translation>vor %1</translation>
    </message>
    <message>
        <source>WAL that slot “%1” keeps from being removed (%2)</source>
        <translation>WAL, das der Slot „%1“ vor dem Entfernen bewahrt (%2)</translation>
    </message>
    <message>
        <source>All is well</source>
        <translation>Alles in Ordnung</translation>
    </message>
    <message>
        <source>The worker runs, and what is committed is counted.</source>
        <translation>Der Worker läuft; was festgeschrieben ist, ist gezählt.</translation>
    </message>
    <message>
        <source>%1 has left out %2 late events so far.</source>
        <translation>%1 hat bisher %2 verspätete Ereignisse ausgelassen.</translation>
    </message>
</context>
<context>
    <name>trending::MainWindow</name>
    <message>
        <source>Ranking</source>
        <translation>Rangliste</translation>
    </message>
    <message>
        <source>Over time</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>Definition</source>
        <translation>Definition</translation>
    </message>
    <message>
        <source>Health</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>%1 (Ctrl+%2)</source>
        <translation>%1 (Strg+%2)</translation>
    </message>
    <message>
        <source>Top </source>
        <translation>Top </translation>
    </message>
    <message>
        <source>Number of items</source>
        <translation>Anzahl der Einträge</translation>
    </message>
    <message>
        <source>How many items are shown (+ and −)</source>
        <translation>Wie viele Einträge gezeigt werden (+ und −)</translation>
    </message>
    <message>
        <source>Export, appearance, connection (F10)</source>
        <translation>Export, Aussehen, Verbindung (F10)</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>Menü</translation>
    </message>
    <message>
        <source>Loading…</source>
        <translation>Lädt …</translation>
    </message>
    <message>
        <source>Waiting for the first ranking.</source>
        <translation>Die erste Rangliste wird erwartet.</translation>
    </message>
    <message>
        <source>Nothing to rank yet</source>
        <translation>Noch nichts zu ordnen</translation>
    </message>
    <message>
        <source>%1 has no row that counts.</source>
        <translation>%1 hat keine Zeile, die zählt.</translation>
    </message>
    <message>
        <source>No row of %1 falls into the current window.</source>
        <translation>Keine Zeile von %1 fällt in das laufende Fenster.</translation>
    </message>
    <message>
        <source>The ranking appears with the first one.</source>
        <translation>Mit der ersten erscheint die Rangliste.</translation>
    </message>
    <message>
        <source>Attempt %1 begins…</source>
        <translation>Versuch %1 beginnt …</translation>
    </message>
    <message>
        <source>Attempt %1 in %2 s.</source>
        <translation>Versuch %1 in %2 s.</translation>
    </message>
    <message>
        <source>Pause and go on</source>
        <translation>Anhalten und weiter</translation>
    </message>
    <message>
        <source>Back to live</source>
        <translation>Zurück zur Gegenwart</translation>
    </message>
    <message>
        <source>More items</source>
        <translation>Mehr Einträge</translation>
    </message>
    <message>
        <source>Fewer items</source>
        <translation>Weniger Einträge</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>Vollbild</translation>
    </message>
    <message>
        <source>Leave full screen, clear the selection</source>
        <translation>Vollbild verlassen, Auswahl aufheben</translation>
    </message>
    <message>
        <source>Filter the trends</source>
        <translation>Trends filtern</translation>
    </message>
    <message>
        <source>Show or hide the list of trends</source>
        <translation>Liste der Trends zeigen oder verbergen</translation>
    </message>
    <message>
        <source>Copy the table, or its selected rows</source>
        <translation>Tabelle oder ausgewählte Zeilen kopieren</translation>
    </message>
    <message>
        <source>Export the chart</source>
        <translation>Diagramm exportieren</translation>
    </message>
    <message>
        <source>Export the table</source>
        <translation>Tabelle exportieren</translation>
    </message>
    <message>
        <source>Connect</source>
        <translation>Verbinden</translation>
    </message>
    <message>
        <source>Try to connect now</source>
        <translation>Jetzt verbinden</translation>
    </message>
    <message>
        <source>Ranking, over time, definition, health</source>
        <translation>Rangliste, Verlauf, Definition, Zustand</translation>
    </message>
    <message>
        <source>This list</source>
        <translation>Diese Liste</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Export chart…</source>
        <translation>Diagramm exportieren …</translation>
    </message>
    <message>
        <source>Export table…</source>
        <translation>Tabelle exportieren …</translation>
    </message>
    <message>
        <source>Copy table</source>
        <translation>Tabelle kopieren</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>Aussehen</translation>
    </message>
    <message>
        <source>As the desktop</source>
        <translation>Wie der Desktop</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>Reset layout</source>
        <translation>Anordnung zurücksetzen</translation>
    </message>
    <message>
        <source>Connect…</source>
        <translation>Verbinden …</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>Tastenkürzel</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Export</translation>
    </message>
    <message>
        <source>Pictures (*.png *.svg)</source>
        <translation>Bilder (*.png *.svg)</translation>
    </message>
    <message>
        <source>Tables (*.csv)</source>
        <translation>Tabellen (*.csv)</translation>
    </message>
</context>
<context>
    <name>trending::Notice</name>
    <message>
        <source>Copy SQL</source>
        <translation>SQL kopieren</translation>
    </message>
    <message>
        <source>Connect…</source>
        <translation>Verbinden …</translation>
    </message>
    <message>
        <source>Try now</source>
        <translation>Jetzt versuchen</translation>
    </message>
</context>
<context>
    <name>trending::OverTimePage</name>
    <message>
        <source>Values over time</source>
        <translation>Werte im Verlauf</translation>
    </message>
    <message>
        <source>Items of the chart</source>
        <translation>Einträge des Diagramms</translation>
    </message>
    <message>
        <source>%1 selected</source>
        <translation>%1 ausgewählt</translation>
    </message>
    <message>
        <source>The best %1</source>
        <translation>Die besten %1</translation>
    </message>
    <message>
        <source>No history: %1 The lines begin when this window connected.</source>
        <translation>Keine Geschichte: %1 Die Linien beginnen mit der Verbindung dieses Fensters.</translation>
    </message>
    <message>
        <source>%1 closed windows; dotted: the current one, which is not over. Select rows of the ranking to choose items.</source>
        <translation>%1 geschlossene Fenster; gepunktet: das laufende, das nicht zu Ende ist. Einträge werden in der Rangliste ausgewählt.</translation>
    </message>
    <message>
        <source>%1 so far</source>
        <translation>%1 bis jetzt</translation>
    </message>
    <message>
        <source>Looking for history…</source>
        <translation>Geschichte wird gesucht …</translation>
    </message>
    <message>
        <source>not ranked now</source>
        <translation>jetzt nicht in der Liste</translation>
    </message>
</context>
<context>
    <name>trending::PartitionChooser</name>
    <message>
        <source>Partition</source>
        <translation>Teil</translation>
    </message>
    <message>
        <source>Ranked within %1</source>
        <translation>Rang innerhalb von %1</translation>
    </message>
    <message>
        <source>Only the first %1 are listed.</source>
        <translation>Nur die ersten %1 sind aufgeführt.</translation>
    </message>
</context>
<context>
    <name>trending::PgConnection</name>
    <message>
        <source>The server did not answer in time.</source>
        <translation>Der Server hat nicht rechtzeitig geantwortet.</translation>
    </message>
    <message>
        <source>Out of memory.</source>
        <translation>Der Speicher reicht nicht.</translation>
    </message>
    <message>
        <source>The connection broke.</source>
        <translation>Die Verbindung ist abgebrochen.</translation>
    </message>
</context>
<context>
    <name>trending::RankingModel</name>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>new</source>
        <translation>neu</translation>
    </message>
    <message>
        <source>Rank %1: %2, %3</source>
        <translation>Rang %1: %2, %3</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <source>Label</source>
        <translation>Bezeichnung</translation>
    </message>
</context>
<context>
    <name>trending::RankingPage</name>
    <message>
        <source>Ranking as a table</source>
        <translation>Rangliste als Tabelle</translation>
    </message>
</context>
<context>
    <name>trending::Session</name>
    <message>
        <source>%1 on %2</source>
        <translation>%1 auf %2</translation>
    </message>
    <message>
        <source>The server has not answered for %1 seconds.</source>
        <translation>Der Server hat seit %1 Sekunden nicht geantwortet.</translation>
    </message>
    <message>
        <source>this machine</source>
        <translation>diesem Rechner</translation>
    </message>
    <message>
        <source>Its history cannot be read: %1</source>
        <translation>Sie kann nicht gelesen werden: %1</translation>
    </message>
    <message>
        <source>The definition could not be read.</source>
        <translation>Die Definition war nicht zu lesen.</translation>
    </message>
    <message>
        <source>Without a window nothing closes.</source>
        <translation>Ohne Fenster schließt nichts.</translation>
    </message>
    <message>
        <source>Sessions close one by one, each at its own time.</source>
        <translation>Sitzungen enden einzeln, jede zu ihrer Zeit.</translation>
    </message>
    <message>
        <source>The trend keeps none (history_limit is 0).</source>
        <translation>Der Trend hebt keine auf (history_limit ist 0).</translation>
    </message>
    <message>
        <source>Its table %1 is gone.</source>
        <translation>Ihre Tabelle %1 ist weg.</translation>
    </message>
</context>
<context>
    <name>trending::StatusModel</name>
    <message>
        <source>%1 too far ahead of the clock</source>
        <translation>%1 zu weit vor der Uhr</translation>
    </message>
    <message>
        <source>%1 without a time</source>
        <translation>%1 ohne Zeit</translation>
    </message>
    <message>
        <source>%1 failed in an expression</source>
        <translation>%1 an einem Ausdruck gescheitert</translation>
    </message>
    <message>
        <source>%1 with a time out of range</source>
        <translation>%1 mit einer Zeit außerhalb des Bereichs</translation>
    </message>
    <message>
        <source>%1 refused for want of room</source>
        <translation>%1 aus Platzmangel abgewiesen</translation>
    </message>
    <message>
        <source>%1 retracted that were never counted</source>
        <translation>%1 zurückgenommen, die nie gezählt waren</translation>
    </message>
    <message>
        <source>%1 retracted too late</source>
        <translation>%1 zu spät zurückgenommen</translation>
    </message>
    <message>
        <source>Trend</source>
        <translation>Trend</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>Rate</source>
        <translation>Rate</translation>
    </message>
    <message>
        <source>Events</source>
        <translation>Ereignisse</translation>
    </message>
    <message>
        <source>Behind</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Watermark</source>
        <translation>Marke</translation>
    </message>
    <message>
        <source>Groups</source>
        <translation>Gruppen</translation>
    </message>
    <message>
        <source>Late</source>
        <translation>Verspätet</translation>
    </message>
    <message>
        <source>Left out</source>
        <translation>Entfallen</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>What the worker says of the trend</source>
        <translation>Was der Worker vom Trend sagt</translation>
    </message>
    <message>
        <source>Events counted a second</source>
        <translation>Gezählte Ereignisse je Sekunde</translation>
    </message>
    <message>
        <source>Events counted since the trend was created</source>
        <translation>Gezählte Ereignisse, seit es den Trend gibt</translation>
    </message>
    <message>
        <source>How far the newest event lies behind the server&apos;s clock</source>
        <translation>Wie weit das neueste Ereignis hinter der Uhr des Servers liegt</translation>
    </message>
    <message>
        <source>How far the watermark lies behind the server&apos;s clock: windows that end before it are closed</source>
        <translation>Wie weit die Marke hinter der Uhr des Servers liegt: Fenster, die vor ihr enden, sind geschlossen</translation>
    </message>
    <message>
        <source>Groups in the current window</source>
        <translation>Gruppen im laufenden Fenster</translation>
    </message>
    <message>
        <source>Events that came after their windows had closed for good</source>
        <translation>Ereignisse, die nach dem endgültigen Schluss ihrer Fenster kamen</translation>
    </message>
    <message>
        <source>Events too far ahead, without a time or with one out of range, failed or refused</source>
        <translation>Ereignisse zu weit voraus, ohne Zeit oder mit einer außerhalb des Bereichs, gescheitert oder abgewiesen</translation>
    </message>
    <message>
        <source>Shared memory in use</source>
        <translation>Belegter gemeinsamer Speicher</translation>
    </message>
</context>
<context>
    <name>trending::TimelineBar</name>
    <message>
        <source>Window shown</source>
        <translation>Gezeigtes Fenster</translation>
    </message>
    <message>
        <source>Drag to look at past windows; the right end is live</source>
        <translation>Ziehen zeigt vergangene Fenster; das rechte Ende ist die Gegenwart</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>Live</translation>
    </message>
    <message>
        <source>Back to the current window (L)</source>
        <translation>Zurück zum laufenden Fenster (L)</translation>
    </message>
    <message>
        <source>Go on (Space)</source>
        <translation>Weiter (Leertaste)</translation>
    </message>
    <message>
        <source>Pause (Space)</source>
        <translation>Anhalten (Leertaste)</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>seen at %1</source>
        <translation>gesehen um %1</translation>
    </message>
    <message>
        <source>paused  ·  %1</source>
        <translation>angehalten  ·  %1</translation>
    </message>
</context>
<context>
    <name>trending::TrendHeader</name>
    <message>
        <source>Events</source>
        <translation>Ereignisse</translation>
    </message>
    <message>
        <source>Events counted a second</source>
        <translation>Gezählte Ereignisse je Sekunde</translation>
    </message>
    <message>
        <source>Behind</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>How far the newest event lies behind the server&apos;s clock</source>
        <translation>Wie weit das neueste Ereignis hinter der Uhr des Servers liegt</translation>
    </message>
    <message>
        <source>Groups</source>
        <translation>Gruppen</translation>
    </message>
    <message>
        <source>Groups in the current window</source>
        <translation>Gruppen im laufenden Fenster</translation>
    </message>
    <message>
        <source>Late</source>
        <translation>Verspätet</translation>
    </message>
    <message>
        <source>Events that came after their windows had closed for good</source>
        <translation>Ereignisse, die nach dem endgültigen Schluss ihrer Fenster kamen</translation>
    </message>
    <message>
        <source>%1  ·  %2, %3</source>
        <translation>%1  ·  %2, %3</translation>
    </message>
</context>
<context>
    <name>trending::TrendListModel</name>
    <message>
        <source>%1, of %2, %3</source>
        <translation>%1, von %2, %3</translation>
    </message>
    <message>
        <source>Source: %1</source>
        <translation>Quelle: %1</translation>
    </message>
    <message>
        <source>Owner: %1</source>
        <translation>Eigentümer: %1</translation>
    </message>
</context>
<context>
    <name>trending::TrendPanel</name>
    <message>
        <source>Trends</source>
        <translation>Trends</translation>
    </message>
    <message>
        <source>Filter trends</source>
        <translation>Trends filtern</translation>
    </message>
    <message>
        <source>Words that must occur in name, source or state (Ctrl+F)</source>
        <translation>Wörter, die in Name, Quelle oder Zustand vorkommen (Strg+F)</translation>
    </message>
    <message>
        <source>Connection</source>
        <translation>Verbindung</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>Connect…</source>
        <translation>Verbinden …</translation>
    </message>
    <message>
        <source>PostgreSQL %1, as %2, %3</source>
        <translation>PostgreSQL %1, als %2, %3</translation>
    </message>
    <message>
        <source>with TLS</source>
        <translation>mit TLS</translation>
    </message>
    <message>
        <source>without TLS</source>
        <translation>ohne TLS</translation>
    </message>
    <message>
        <source>trending %1</source>
        <translation>trending %1</translation>
    </message>
    <message>
        <source>Click to connect elsewhere (Ctrl+O)</source>
        <translation>Klicken, um anderswohin zu verbinden (Strg+O)</translation>
    </message>
</context>
</TS>
