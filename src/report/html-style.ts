/**
 * Style sheet of the HTML reports.
 * @module
 */
import { INK } from './picture/theme.ts';

/** The rules; colours are those of the pictures. */
export const REPORT_STYLE: string = `
:root{--text:${INK.text.light};--faint:${INK.faint.light};--rule:${INK.grid.light};--ground:${INK.ground.light};--link:#0058a3;--good:#1a6b2f;--warning:#8a5300;--bad:#b3261e}
@media screen and (prefers-color-scheme:dark){:root{--text:${INK.text.dark};--faint:${INK.faint.dark};--rule:${INK.grid.dark};--ground:${INK.ground.dark};--link:#7fbcf0;--good:#7fd193;--warning:#f0b860;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,"Segoe UI","DejaVu Sans",Arial,sans-serif}
main{max-width:76rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .5rem}
.unseen{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden;margin:0}
p{max-width:46rem;margin:.5rem 0;overflow-wrap:anywhere}
a{color:var(--link)}
.lead{font-size:1.15rem;padding:.6rem .9rem;border-left:4px solid var(--link);background:var(--rule)}
.lead.findings{border-color:var(--warning)}
.lead.unusable{border-color:var(--bad)}
.good{color:var(--good)}
.warning{color:var(--warning)}
.bad{color:var(--bad);font-weight:600}
.muted{color:var(--faint)}
pre{overflow-x:auto;font-size:.85rem;line-height:1.35}
ul{padding-left:1.2rem;max-width:46rem}
li{margin:.2rem 0;overflow-wrap:anywhere}
.note{color:var(--faint);font-size:.9rem}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-size:.92rem}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
th{border-bottom:2px solid var(--faint);font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.short{white-space:nowrap}
figure{margin:1.2rem -1rem;overflow-x:auto}
figure svg{max-width:100%;min-width:35rem;height:auto;display:block}
@media screen and (max-width:44rem){thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}table,tbody,tr,caption{display:block}tr{padding:.5rem 0;border-bottom:1px solid var(--rule)}td{display:flex;gap:1rem;justify-content:space-between;border:0;padding:.1rem 0;overflow-wrap:anywhere;white-space:normal}td::before{content:attr(data-label);color:var(--faint);flex:none;max-width:50%}td[data-label=""]::before{content:none}.number{white-space:normal}figure{margin:1.2rem 0}figure svg{min-width:0}}
@media print{body{font-size:10pt}table{font-size:8pt}th,td{padding-right:.4rem}main{max-width:none;padding:0}figure svg{min-width:0}nav{display:none}section,figure,tr{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}a{color:inherit}}
`.replace(/\n/g, '');
