<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
<context>
    <name>MainWords</name>
    <message>
        <source>libpq connection string, URI or database name; what it leaves out comes from the environment, as for psql.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>conninfo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Trend to show.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Items to show, 5 to 50.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>count</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Least time between refreshes in seconds (default 1).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>seconds</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Page to open: ranking, time, definition, health.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>page</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>light, dark or desktop.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>theme</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Size of the window, as 1280x800.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect, wait for data, write a picture of the window to FILE (PNG) and exit. Works without a display with QT_QPA_PLATFORM=offscreen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>FILE</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>With --screenshot: further seconds to wait after the first data (default 0).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start in full screen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shows the live rankings of the trending extension of PostgreSQL.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As --connection.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>--interval wants seconds, at least 0.1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>--top wants a number from 5 to 50</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>--page wants one of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>--theme wants one of %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>--size wants a width and a height, as 1280x800</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ProblemWords</name>
    <message>
        <source>the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A password is needed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 asks for a password.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open “Connect…” and type it, or put it into ~/.pgpass so that it need not be typed again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server does not answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There has been no answer from %1 for %2. What is shown may be old.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The connection is given up and made anew if this lasts. Look at the server&apos;s load and at the network between.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connecting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for %1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not connected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No server has been chosen yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open “Connect…” and name one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No connection to %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check that the server runs, that host, port and database are right and that pg_hba.conf lets you in.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The extension is not in database “%1”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This server is a standby: what its primary does not have, it cannot have.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Create the extension on the primary.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The extension is not on this server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The files of trending are not installed at %1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install them there, add trending to shared_preload_libraries, restart the server, then create the extension in the database.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server has it, this database does not.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Create it, as a superuser. This window notices by itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>wal_level is “%1”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Changes can only be followed with wal_level = logical.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set it and restart the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>trending is not preloaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No worker runs unless shared_preload_libraries names trending.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add it and restart the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The replication slot is lost</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server removed WAL that slot “%1” still needed, so changes are missing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The worker makes a new slot and counts the sources again by itself. Raise max_slot_wal_keep_size if this comes back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The worker is %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It loads its checkpoint and catches up with the WAL.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing to do: the list comes back when it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The worker is not running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing follows the changes of this database: what is shown is old.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It starts again by itself within seconds. If it does not, the server&apos;s log says why.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 has stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other trends go on. Mend the cause, or drop the trend and create it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 is being filled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rows that were in %1 before the trend are being counted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing to do: the ranking appears when it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 may not be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask its owner (%1) for the right.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 is at its bound</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 events were refused because max_groups (%2) or the memory limit is reached. The groups it has stay exact.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Narrow the definition, or create it with a larger max_groups.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No trends yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Database “%1” has no trend that %2 may read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Create one, or ask the owner of one for SELECT on it. The shortest way is:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 needs attention</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The ranking itself goes on.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TextWords</name>
    <message>
        <source>%1 ms</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 h</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 d</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1/s</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>WindowWords</name>
    <message>
        <source>tumbling window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hopping window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>cumulating window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>session windows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>every %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1, every %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>up to %1, in steps of %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>sessions with a gap of %1</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>conninfo</name>
    <message>
        <source>service %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 on %2</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>exporter</name>
    <message>
        <source>%1 could not be written: %2</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::BarRace</name>
    <message>
        <source>Ranking as bars</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>NEW</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank %1, value %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Key %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not in the list in the window before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank %1 in the window before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1: %2, %3</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::ConnectionDialog</name>
    <message>
        <source>Host</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Database</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>as the user</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>User</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>as the system&apos;s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Password</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>from .pgpass, or none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connection string</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect to PostgreSQL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>TLS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As the server offers (prefer)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Never (disable)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Always (require)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Always, known authority (verify-ca)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Always, and the right host (verify-full)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Host, port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Database</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;User</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Password</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;TLS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&amp;Service</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connection &amp;string</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fields left empty come from the environment (PGHOST, PGSERVICE, …), as for psql. The password is not stored; put it into ~/.pgpass to be asked no more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::DefinitionPage</name>
    <message>
        <source>Definition as SQL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy SQL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Source</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kind</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Label</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ranked within</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Owner</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Created</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Watermark delay</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allowed lateness</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Late events</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Idle timeout</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Max ahead</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>History</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>every group</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>best %1 of a window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Retention</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>for ever</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Max groups</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::HealthPage</name>
    <message>
        <source>Worker</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The background worker that follows this database</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events counted a second, all trends together</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lag</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>WAL written and not yet applied</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lag in time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Estimated: the bytes behind, over the bytes applied a second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checkpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Since state and position were last made durable</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>WAL held</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>WAL that the replication slot keeps from being removed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Transactions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Transactions applied a second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events a second in the last minutes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lag in the last minutes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Figures of every trend</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Process %1. %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>&lt; 1 ms</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 ago</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>WAL that slot “%1” keeps from being removed (%2)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All is well</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The worker runs, and what is committed is counted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 has left out %2 late events so far.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::MainWindow</name>
    <message>
        <source>Ranking</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Over time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Definition</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Health</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 (Ctrl+%2)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Top </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Number of items</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How many items are shown (+ and −)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export, appearance, connection (F10)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Menu</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for the first ranking.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing in this window yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No row of %1 falls into the current window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The ranking appears with the first one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attempt %1 begins…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attempt %1 in %2 s.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause and go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back to live</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More items</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fewer items</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave full screen, clear the selection</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Filter the trends</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show or hide the list of trends</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the table, or its selected rows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export the chart</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export the table</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try to connect now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ranking, over time, definition, health</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This list</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export chart…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export table…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy table</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As the desktop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Light</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dark</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reset layout</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pictures (*.png *.svg)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tables (*.csv)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::Notice</name>
    <message>
        <source>Copy SQL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try now</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::OverTimePage</name>
    <message>
        <source>Values over time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Items of the chart</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 selected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The best %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No history: %1 The lines begin when this window connected.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 closed windows, then the current one. Select rows of the ranking to choose items.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking for history…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not ranked now</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::PgConnection</name>
    <message>
        <source>The server did not answer in time.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Out of memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The connection broke.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::RankingModel</name>
    <message>
        <source>Value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>new</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>NULL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rank %1: %2, %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Label</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::RankingPage</name>
    <message>
        <source>Ranking as a table</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::Session</name>
    <message>
        <source>%1 on %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server has not answered for %1 seconds.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>this machine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its history cannot be read: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The trend keeps no history (history_limit is 0).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The definition could not be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no table %1_history on this server.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::StatusModel</name>
    <message>
        <source>Trend</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>State</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Behind</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Watermark</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Groups</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Late</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Left out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the worker says of the trend</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events counted a second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events counted since the trend was created</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How far the newest event lies behind the server&apos;s clock</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How far the watermark lies behind the server&apos;s clock: windows that end before it are closed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Groups in the current window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events that came after their windows had closed for good</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events too far ahead, without a time, failed or refused</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shared memory in use</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::TimelineBar</name>
    <message>
        <source>Window shown</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drag to look at past windows; the right end is live</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Live</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back to the current window (L)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go on (Space)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause (Space)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>seen at %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>paused  ·  %1</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::TrendHeader</name>
    <message>
        <source>Events</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events counted a second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Behind</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How far the newest event lies behind the server&apos;s clock</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Groups</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Groups in the current window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Late</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Events that came after their windows had closed for good</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1  ·  %2, %3</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::TrendListModel</name>
    <message>
        <source>%1, of %2, %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Source: %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Owner: %1</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>trending::TrendPanel</name>
    <message>
        <source>Trends</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Filter trends</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Words that must occur in name, source or state (Ctrl+F)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connection</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>PostgreSQL %1, as %2, %3</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>with TLS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>without TLS</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>trending %1</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Click to connect elsewhere (Ctrl+O)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
